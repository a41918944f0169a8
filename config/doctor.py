"""`lineal doctor --home`: is this server as it should be? Looks at everything it stands on, and says what to do.

The client's command prints what `examine` yields; it finds it by the entry point group `lineal.checks`. Nothing here changes
anything, but for one small object that is written to the store and deleted again. No finding holds a secret.
"""

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import django

from config import doctor_home, doctor_settings
from config.findings import Finding, fail, without_secrets

Check = Callable[[], Iterator[Finding]]


class _Group(NamedTuple):
    """Checks with one subject. Without `goes_on`, what comes after them makes no sense once one fails."""

    subject: str
    check: Check
    goes_on: bool = True


def examine(home: Path) -> Iterator[dict[str, str]]:
    """One row for each thing looked at: `check`, `state` (ok, warn or fail), `detail`, and `advice` where there is some."""
    folder = home.expanduser().resolve()
    os.environ |= {
        "LINEAL_HOME": str(folder),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LINEAL_LOG_LEVEL": "CRITICAL",
    }
    first = [
        _Group("home", lambda: doctor_home.folder(folder), goes_on=False),
        _Group("settings", doctor_settings.variables, goes_on=False),
    ]
    if (yield from _run(first)):
        django.setup()
        yield from _run(_second(folder))


def _second(folder: Path) -> Sequence[_Group]:
    from config import doctor_database, doctor_parts  # noqa: PLC0415 - they need Django to be set up

    return [
        _Group("public address", doctor_settings.public_address),
        _Group("keys", lambda: doctor_home.keys(folder)),
        _Group("disk", lambda: doctor_home.disk(folder)),
        _Group("database", doctor_database.connects, goes_on=False),
        _Group("migrations", doctor_database.migrations, goes_on=False),
        _Group("guards", doctor_database.guards),
        _Group("indexes", doctor_database.indexes),
        _Group("statistics", doctor_database.statistics),
        _Group("roles", doctor_database.roles),
        _Group("signing key", doctor_parts.signing_key),
        _Group("store", doctor_parts.store),
        _Group("broker", doctor_parts.broker),
        _Group("processes", doctor_parts.processes),
        _Group("jobs", doctor_parts.jobs),
        _Group("sequencer", doctor_parts.sequencer),
        _Group("anchors", doctor_parts.anchors),
        _Group("verification", doctor_parts.verifications),
        _Group("messages", doctor_parts.messages),
    ]


def _run(groups: Sequence[_Group]) -> Generator[dict[str, str], None, bool]:
    """Rows; and in the end whether it makes sense to go on."""
    for group in groups:
        failed = False
        for finding in _guarded(group):
            failed = failed or finding.state == "fail"
            yield finding._replace(detail=without_secrets(finding.detail))._asdict()
        if failed and not group.goes_on:
            return False
    return True


def _guarded(group: _Group) -> Iterator[Finding]:
    """A check that breaks is a finding as well: it is what people run when things are broken."""
    try:
        yield from group.check()
    except Exception as exc:  # noqa: BLE001 - whatever is broken has to be reported, not met
        words = str(exc).strip().partition("\n")[0]
        yield fail(
            group.subject, f"cannot be looked at: {type(exc).__name__}: {words}", "The detail says what refused."
        )
