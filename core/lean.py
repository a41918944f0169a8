"""REST framework and what it tries to import.

Its `compat` module imports every optional package that happens to be installed, for features of it that this server does not have:
fields of PostgreSQL alone, a client for tests, HTML with coloured source. Another part of ours needs each of those packages, once in
a while or on PostgreSQL alone, so they are installed, and would take some 15 MB in every process that has no use for them.
"""

import importlib
import sys

UNUSED = ("django.contrib.postgres", "pygments", "requests")


def import_rest_framework() -> None:
    """Import its `compat` as where those packages are not installed; whoever needs one imports it as ever. Does nothing when it has
    been imported before.
    """
    hidden = [name for name in UNUSED if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # how the import system spells that there is none
    try:
        importlib.import_module("rest_framework.compat")
    finally:
        for name in hidden:
            del sys.modules[name]
