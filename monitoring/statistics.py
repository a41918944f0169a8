"""Statistics of drift: plain functions on counts and column profiles, each with its source."""
