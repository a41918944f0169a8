"""The three events of each made-up run, built as `audit.services.record` builds one, and their places in the log."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any
from uuid import UUID

from accounts.models import Project
from audit import actions, events, keys
from audit.events import Draft, Target
from audit.models import AuditEvent, AuditPending, AuditPrivate
from audit.sequencer import Sequencer
from audit.services import private_row, row_of
from bench.seed.made import MadeRun
from bench.seed.tables import Table
from core import clock
from core.access import Principal
from core.ids import uuid7


class Ledger:
    def __init__(self, project: Project, actor: Principal) -> None:
        self._project, self._actor, self._org = project, actor, keys.org()
        self._events = _whole(AuditEvent)
        self._private = Table(AuditPrivate, "event_id", "path", "salt", "value", "search_name")
        self._pending = Table(AuditPending, "event_id")

    def record(self, runs: Sequence[tuple[MadeRun, str]]) -> list[UUID]:
        """Created, finished and sealed: runs with the digests of their seals; the ids of the events of the seals."""
        drafts = list(chain.from_iterable(self._drafts(made, digest) for made, digest in runs))
        ids = self._events.next_ids(len(drafts))
        rows = [row_of(draft, actor=self._actor, project=self._project) for draft in drafts]
        self._events.insert((id_, *_values(row)) for id_, row in zip(ids, rows, strict=True))
        self._private.insert(chain.from_iterable(map(self._private_rows, ids, drafts, rows)))
        self._pending.insert((id_,) for id_ in ids)
        return [draft.id for draft in drafts[2::3]]

    def _drafts(self, made: MadeRun, digest: str) -> Iterator[Draft]:
        acts: list[tuple[str, dict[str, Any] | None, dict[str, Any]]] = [
            ("run.create", None, {"experiment": made.experiment, "parent": None, "caused_by": None}),
            ("run.finish", {"status": "running"}, {"status": made.status}),
            ("run.seal", None, {"seal": 1, "digest": digest, "status": made.status}),
        ]
        before_it = None
        for action, before, after in acts:
            draft = events.build(
                id=uuid7(),
                at=clock.now(),
                org=self._org,
                action=action,
                outcome="ok",
                target=Target("run", made.uuid.hex, made.name),
                actor=self._actor,
                project=self._project,
                request=None,
                reason="",
                before=before,
                after=after,
                refs=(),
                personal=actions.get_action(action).personal,
                prev_event_of_target=before_it,
            )
            before_it = draft.id
            yield draft

    @staticmethod
    def _private_rows(id_: int, draft: Draft, row: AuditEvent) -> Iterator[tuple[Any, ...]]:
        for value in draft.private:
            private = private_row(row, value)
            yield id_, private.path, private.salt, private.value, private.search_name


def sequence(tell: Callable[[int], None] = lambda _: None) -> None:
    """Give all events their places in the log, as the server's own process would over the next minutes."""
    sequencer = Sequencer(keys.load_signer(), keys.load_cosigner())
    while done := sequencer.step():
        tell(done)


_EVENT_FIELDS = [field for field in AuditEvent._meta.concrete_fields if not field.primary_key]  # noqa: SLF001 - documented


def _whole(model: type[AuditEvent]) -> Table:
    return Table(model, "id", *(field.column for field in _EVENT_FIELDS))


def _values(row: AuditEvent) -> tuple[Any, ...]:
    return tuple(getattr(row, field.attname) for field in _EVENT_FIELDS)
