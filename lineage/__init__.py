"""The graph that joins data, runs, models and deployments: nodes and edges. Their meaning belongs to their owners."""
