"""Settings from the environment, the URL map, and the processes that `lineal up` runs."""
