"""A process that changes things and records each change, as many threads at once, with random rollbacks.

`ledger_writer.py prepare` makes the tables; `ledger_writer.py write THREADS SECONDS LOG` writes, appending a line
"event began committed" (monotonic nanoseconds, the machine's) to LOG after each commit.
"""

import os
import random
import sys
import threading
import time

import django

ROLLED_BACK = 0.1  # share of acts that fail after their entry was written


class ActFailed(Exception):
    pass


def prepare():
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", "audit", verbosity=0, skip_checks=True)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE state_change (event varchar(36) PRIMARY KEY)")


def write(threads, seconds, log):
    deadline = time.monotonic() + seconds
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    failures = []

    def work():
        try:
            while time.monotonic() < deadline:
                act(handle)
        except Exception as exc:
            failures.append(exc)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    if failures:
        raise failures[0]


def act(handle):
    from django.db import connection, transaction

    from audit.events import Target
    from audit.services import record
    from core.access import system_principal

    began = time.monotonic_ns()
    try:
        with transaction.atomic():
            target = Target("thing", str(random.randrange(50)), "a thing")
            event = record(action="audit.verify", target=target, actor=system_principal("writer"), project=None)
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO state_change (event) VALUES (%s)", [str(event)])
            if random.random() < ROLLED_BACK:
                raise ActFailed
    except ActFailed:
        return
    os.write(
        handle, f"{event} {began} {time.monotonic_ns()}\n".encode()
    )  # one call, so that lines of threads stay whole


if __name__ == "__main__":
    django.setup()
    if sys.argv[1] == "prepare":
        prepare()
    else:
        write(int(sys.argv[2]), float(sys.argv[3]), sys.argv[4])
