"""Lineage kinds of this room."""
