"""REST of the notify room."""
