"""REST routes of this room."""
