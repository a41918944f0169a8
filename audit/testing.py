"""For tests only: letting tables be emptied between them, and reading the ledger without a sequencer process."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.test import TransactionTestCase

from audit import guards, keys
from audit.sequencer import Sequencer

_TEARDOWN = "_fixture_teardown"  # the one place where Django empties tables; it has no public name


def sequence_now() -> int:
    """Give every committed event its place, as the sequencer process would; how many got one."""
    sequencer, total = Sequencer(keys.load_signer(), keys.load_cosigner()), 0
    while count := sequencer.step():
        total += count
    return total


@contextmanager
def guards_lifted() -> Iterator[None]:
    """No guards inside, all of them after."""
    _settle()
    guards.remove(connection)
    try:
        yield
    finally:
        _settle()
        guards.install(connection)


def _settle() -> None:
    """PostgreSQL alters no table while its foreign keys wait for the commit."""
    if connection.vendor == "postgresql" and connection.in_atomic_block and not connection.needs_rollback:
        connection.check_constraints()


def let_flush_pass_guards() -> None:
    """Have Django's committing test cases lift the guards while they empty the tables. Call once, at configuration."""
    flush = getattr(TransactionTestCase, _TEARDOWN)
    if hasattr(flush, "lifts_guards"):
        return

    def teardown(self: TransactionTestCase) -> None:
        with guards_lifted():
            flush(self)

    teardown.lifts_guards = True  # type: ignore[attr-defined]  # a mark, so that calling twice wraps once
    setattr(TransactionTestCase, _TEARDOWN, teardown)
