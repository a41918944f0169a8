"""Backup and restore of everything a server owns: both databases, any object store, keys, and the place its ledger had reached.

`making` takes a backup while the server runs, `restoring` brings one back into an empty home and database; `commands` is
what operators type. A backup is independent of the database it was taken from, so it is also the way from SQLite to
PostgreSQL and back. What lies where is in docs/backup.md.
"""
