"""Writes to the ledger: `record`, which every room calls, and erasure. The log's own growth is in `sequencer`."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from audit import actions, canonical, events, keys, wake
from audit.events import Draft, Target
from audit.models import AuditEvent, AuditPending, AuditPrivate
from core import clock, prepared, rows
from core.access import Principal, ProjectRef
from core.context import current_request
from core.ids import uuid7

_COPY_LENGTH = {"actor_name": 128, "target_id": 256, "target_label": 512, "target_version": 128}  # as in the model


def record(
    *,
    action: str,
    target: Target,
    actor: Principal,
    project: ProjectRef | None,
    outcome: str = "ok",
    reason: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    refs: Sequence[tuple[str, str]] = (),
    is_first: bool = False,
) -> UUID:
    """Write one event in the caller's transaction, so that it commits with the act or not at all; its id.

    `before` and `after` hold the changed fields only. Numbers with a point, times and ids are kept as text; texts
    above 4,000 characters by digest. Costs one look-up and three inserts, takes no lock.

    Raises:
        TransactionManagementError: called outside a transaction, where the event could stand without its act.
        UnknownAction: no room has registered `action`.
        Invalid: the event would be longer than 65,535 bytes.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("Record inside the transaction of the act that is recorded.")
    draft = events.build(
        id=uuid7(),
        at=clock.now(),
        org=keys.org(),
        action=action,
        outcome=outcome,
        target=target,
        actor=actor,
        project=project,
        request=current_request(),
        reason=reason,
        before=before,
        after=after,
        refs=refs,
        personal=actions.get_action(action).personal,
        prev_event_of_target=None if is_first else _last_event_of(target),
    )
    _store(row_of(draft, actor=actor, project=project), draft.private)
    transaction.on_commit(wake.sequencer, robust=True)
    return draft.id


_LAST = "SELECT uuid FROM audit_event WHERE target_type = %s AND target_id = %s ORDER BY id DESC LIMIT 1"


def _last_event_of(target: Target) -> UUID | None:
    same = [target.type, _copy(events.plain(target.id), "target_id")]
    found = prepared.ask(_LAST, same)()
    return rows.uuid_of(found[0][0]) if found else None


def _store(event: AuditEvent, private: Sequence[events.PrivateValue]) -> None:
    """The event, its private values, and that it waits for its place."""
    if connection.vendor == "postgresql":
        _store_in_one(event, private)
        return
    rows.insert_one(event)
    rows.insert([private_row(event, each) for each in private])
    rows.insert([AuditPending(event=event)])


_COLUMNS = [field.column for field in AuditEvent._meta.concrete_fields if not field.primary_key]  # noqa: SLF001 - documented
_ALL_IN_ONE = f"""
    WITH event AS (
        INSERT INTO audit_event ({", ".join(_COLUMNS)}) VALUES ({", ".join(["%s"] * len(_COLUMNS))}) RETURNING id
    ), pending AS (
        INSERT INTO audit_pending (event_id) SELECT id FROM event
    )
    INSERT INTO audit_private (event_id, path, salt, value, search_name)
    SELECT event.id, private.* FROM event, unnest(%s::text[], %s::bytea[], %s::text[], %s::text[]) AS private
"""  # noqa: S608 - columns of ours


def _store_in_one(event: AuditEvent, private: Sequence[events.PrivateValue]) -> None:
    hidden = [private_row(event, each) for each in private]
    values = [getattr(event, column) for column in _COLUMNS]
    lists = [[getattr(row, column) for row in hidden] for column in ("path", "salt", "value", "search_name")]
    with prepared.cursor() as cursor:
        cursor.execute(_ALL_IN_ONE, [*values, *lists])


def row_of(draft: Draft, *, actor: Principal, project: ProjectRef | None) -> AuditEvent:
    """The event's row, not yet stored. Raises Invalid where the body is too long."""
    content, body = draft.content, draft.body()
    target = content["target"]
    return AuditEvent(
        uuid=draft.id,
        at=draft.at,
        org=content["org"],
        project_id=project.id if project else None,
        project_name=project.name if project else "",
        action=content["action"],
        outcome=content["outcome"],
        actor_type=content["actor"]["type"],
        actor_id=actor.id,
        actor_name=_copy(content["actor"]["name"], "actor_name"),
        target_type=target["type"],
        target_id=_copy(target["id"], "target_id"),
        target_label=_copy(target["label"], "target_label"),
        target_version=_copy(target["version"], "target_version"),
        body=body,
    )


def _copy(value: Any, column: str) -> str:
    """A body's value as its search column can hold it; nothing for a commitment, whose value must stay erasable."""
    if not isinstance(value, str):
        return ""
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}")[: _COPY_LENGTH[column]]


def private_row(event: AuditEvent, private: events.PrivateValue) -> AuditPrivate:
    """The row of a value that the body only commits to, not yet stored."""
    is_name = private.path == "/actor/name" and isinstance(private.value, str)
    return AuditPrivate(
        event=event,
        path=private.path,
        salt=private.salt,
        value=canonical.encode(private.value).decode(),
        search_name=private.value[:128].replace("\0", "") if is_name else None,
    )


def vkey() -> str:
    """The log's public key as `name+id+key`; empty while there is no log yet."""
    return keys.find_vkey() or ""
