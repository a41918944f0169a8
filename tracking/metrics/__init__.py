"""Plain functions on metric points: no database, no settings, no clock."""
