"""Lineal's client: log runs, register models, promote digests and ask where things came from."""

__version__ = "0.1.0"
