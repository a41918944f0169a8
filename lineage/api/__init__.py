"""The graph over HTTP: `/lineage/trace` and `/lineage/impact`."""
