"""What the drift engine claims, measured with our own code beside scipy and other tools: docs/drift.md has the tables.

    python -m bench drift                     # all of it, some minutes on one core
    python -m bench drift-alarms              # one scenario
    python -m bench drift --write             # and the tables go into docs/drift.md

Peers live in environments of their own (`.venv/peers`), which the bench makes at the first run. One that cannot be installed is
left out, and the table says so.
"""
