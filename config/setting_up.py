"""Django in a process that has one role: set up by itself, or taken over from the supervisor, which had set it up before it forked.

What differs between roles is settled here, once the role is known: its seat, its database limits, and the threads that no fork
inherits.
"""

import os
import threading

from config import database
from core import roster

ROLE = "LINEAL_PROCESS"


def preload() -> None:
    """Set Django up for the processes that this one will fork, with the code that all of them need. Asks no database.

    Raises:
        BadSetting: a setting cannot be read.
        RuntimeError: a thread was started on the way: its locks would stay held in every fork for ever.
    """
    os.environ[ROLE] = roster.SUPERVISOR
    import django  # noqa: PLC0415 - reads the environment

    django.setup()
    from django.urls import get_resolver  # noqa: PLC0415 - needs settings

    import config.bootstrap  # noqa: PLC0415
    import config.celery  # noqa: F401, PLC0415
    from core import schema  # noqa: PLC0415

    _ = get_resolver().url_patterns
    schema.newest_migrations()
    if threading.active_count() > 1:
        raise RuntimeError(f"Threads run before the first fork: {threading.enumerate()}")


def begin(role: str, work: database.Work = "jobs") -> None:
    """Be a process of `role`, with Django set up. Comes before the first connection to the database.

    Raises:
        BadSetting: a setting cannot be read.
    """
    if os.environ.get(ROLE) in (None, "", roster.SUPERVISOR):
        os.environ[ROLE] = role
    database.become(work)
    from django.apps import apps  # noqa: PLC0415 - as below

    if not apps.ready:
        import django  # noqa: PLC0415 - whoever only asks for help needs none

        django.setup()
        return
    from django.conf import settings  # noqa: PLC0415 - are read now

    from core import metrics  # noqa: PLC0415
    from core.apps import begin_process  # noqa: PLC0415

    settings.PROCESS = os.environ[ROLE]
    metrics.sit_down()
    begin_process()
