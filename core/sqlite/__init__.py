"""Django's backend for SQLite, with what this server needs of it besides (`base`)."""
