"""Django's PostgreSQL backend, which also says when a COMMIT was sent and never answered. Named in DATABASES as ENGINE."""
