"""Tracking over REST."""
