"""`lineal.monitor`: serving code hands rows over, and profiles of them reach the server, window by window (docs/monitoring-client.md).

`snapshots` copies rows on the serving thread and `buffer` holds them; `worker` has the threads; `sheets`, `layout` and `profiling` make
profiles of rows; `parts` keeps these on disk until `courier` has brought them, or `leftovers` after the process has died.
"""
