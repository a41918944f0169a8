"""The monitoring room over HTTP."""
