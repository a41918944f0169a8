"""The statements of searches, sent to the database once more by its own driver: what a search cannot take less than.

Run as `python -m bench.search_bare` on a store; takes bodies by kind as JSON, gives milliseconds by kind.
"""

import json
import sys
import time
from typing import Any


def main() -> None:
    from config import database

    database.work = "web"
    import django

    django.setup()
    from accounts.models import Project

    project = Project.objects.get(name="default")
    asked = json.load(sys.stdin)
    print(json.dumps({name: [_bare_ms(project, body) for body in bodies[:20]] for name, bodies in asked.items()}))


def _bare_ms(project: Any, body: dict[str, Any]) -> float:
    from django.db import connection

    from tracking.api.render import runs_out
    from tracking.search import find_runs

    sent: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, values: Any, many: bool, context: Any) -> Any:
        sent.append((sql, values))
        return execute(sql, values, many, context)

    with connection.execute_wrapper(note):
        runs_out(find_runs(project=project, **body).ids, project=project)
    statements = [(sql, values) for sql, values in sent if "set_config" not in sql]
    if connection.vendor == "sqlite":
        statements = [(sql.replace("%s", "?"), values) for sql, values in statements]
    cursor = connection.connection.cursor()
    begun = time.perf_counter()
    for sql, values in statements:
        cursor.execute(sql, values or ())
        cursor.fetchall()
    took = (time.perf_counter() - begun) * 1_000
    cursor.close()
    return took


if __name__ == "__main__":
    main()
