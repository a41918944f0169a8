"""Writes to intake hooks, and the messages that they take."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts import archives
from accounts.models import Project
from audit.services import record
from core import clock
from core.access import Principal
from core.errors import Invalid
from core.sealing import seal, unseal
from core.signatures import new_secret, proven_message_id
from monitoring.errors import IntakeHookMissing, MessageDiffers, NameTaken, NothingThere, NotSigned
from monitoring.evidence import hook_target
from monitoring.intake import Verdict
from monitoring.models import IntakeDelivery, IntakeHook
from monitoring.services.evidence import keep_verdict, read_document
from registry.models import Model, ModelVersion, Report
from registry.names import ALIAS, SLUG, check_slug
from registry.selectors import find_version_at, get_version, list_versions

EDITABLE = ("at", "enabled")


@transaction.atomic
def create_hook(*, project: Project, name: str, model: Model, actor: Principal, at: str = "") -> tuple[IntakeHook, str]:
    """A hook for verdicts on versions of `model`, and its secret, which is shown this once.

    Raises:
        Invalid: no hook can be called so, or nothing can be called `at`.
        NameTaken: another hook of the project has that name.
    """
    check_slug(name)
    _check_pointer(at)
    secret = new_secret()
    try:
        with transaction.atomic():
            hook = IntakeHook.objects.create(
                project=project,
                name=name,
                model=model,
                at=at,
                sealed_secret=seal(secret),
                created_by_id=actor.id,
                created_by=actor.name,
            )
    except IntegrityError as exc:
        raise NameTaken(f"There is an intake hook '{name}' already.") from exc
    _record(hook, "intake_hook.create", actor, after={"model": model.name, "at": at})
    return hook, secret


@transaction.atomic
def update_hook(*, hook: IntakeHook, changes: Mapping[str, Any], actor: Principal) -> IntakeHook:
    """Change `at` or `enabled`; what is as it was leaves no entry. Raises Invalid."""
    hook = _locked(hook.pk)
    changed = {key: value for key, value in changes.items() if key in EDITABLE and getattr(hook, key) != value}
    if not changed:
        return hook
    _check_pointer(changed.get("at", ""))
    before = {key: getattr(hook, key) for key in changed}
    for key, value in changed.items():
        setattr(hook, key, value)
    hook.save(update_fields=list(changed))
    _record(hook, "intake_hook.update", actor, before=before, after=changed)
    return hook


@transaction.atomic
def renew_hook_secret(*, hook: IntakeHook, actor: Principal) -> str:
    """A new secret, shown this once; the old one is good for nothing from now on."""
    hook = _locked(hook.pk)
    secret = new_secret()
    hook.sealed_secret = seal(secret)
    hook.save(update_fields=["sealed_secret"])
    _record(hook, "intake_hook.renew_secret", actor)
    return secret


@transaction.atomic
def delete_hook(*, hook: IntakeHook, actor: Principal) -> None:
    """It takes nothing any more. The evidence that came through it stays."""
    hook = _locked(hook.pk)
    _record(hook, "intake_hook.delete", actor, before={"model": hook.model.name, "at": hook.at})
    hook.delete()


def take_message(*, uuid: UUID, headers: Mapping[str, str], body: bytes) -> tuple[Report, bool]:
    """The evidence that a signed message becomes; and whether it is news. The same message again is the same evidence.

    Raises:
        NotSigned: there is no such hook, or the message was not signed with its secret, or too long ago.
        ProjectArchived: the hook's project takes no writes.
        MessageDiffers: the sender has used this id for another message.
        NothingThere: the hook points at no version now.
        VersionMissing: the document names a digest that no version of the hook's model has.
        EvidenceUnreadable, TooLarge, Invalid: as for `receive_verdict`.
    """
    hook = _hooks().filter(uuid=uuid, enabled=True).first()
    secret = unseal(hook.sealed_secret) if hook is not None else new_secret()  # as much work for a stranger's guess
    message_id = proven_message_id(secret, headers=headers, body=body, now_s=clock.now().timestamp())
    if hook is None or message_id is None:
        raise NotSigned
    archives.refuse(hook.project)
    return _take(hook.pk, message_id, body)


@transaction.atomic
def _take(hook_id: int, message_id: str, body: bytes) -> tuple[Report, bool]:
    hook = _locked(hook_id)
    digest = sha256(body).hexdigest()
    known = hook.deliveries.filter(message_id=message_id).select_related("report__version__model__project").first()
    if known is not None and known.sha256 != digest:
        raise MessageDiffers(f"Another message had the id {message_id!r}; an id names one message.")
    if known is not None:
        return known.report, False
    verdict = read_document(body)
    report, is_new = keep_verdict(
        version=_version_for(hook, verdict), verdict=verdict, document=body, actor=_principal_of(hook)
    )
    IntakeDelivery.objects.create(hook=hook, message_id=message_id, sha256=digest, report=report)
    return report, is_new


def _version_for(hook: IntakeHook, verdict: Verdict) -> ModelVersion:
    if verdict.digest:
        return get_version(model=hook.model, ref=verdict.digest)
    version = find_version_at(model=hook.model, name=hook.at) if hook.at else list_versions(model=hook.model).first()
    if version is None:
        where = f"'{hook.at}' points at" if hook.at else "There is"
        raise NothingThere(f"{where} no version of {hook.model.name} now.")
    return get_version(model=hook.model, ref=version.number)


def _principal_of(hook: IntakeHook) -> Principal:
    """Who the ledger says attached it: the hook, which nobody else can sign for."""
    return Principal(id=hook.uuid, kind="service", name=f"intake hook {hook.name}", auth_method="signature")


def _check_pointer(at: str) -> None:
    if at and not SLUG.fullmatch(at) and not ALIAS.fullmatch(at):
        raise Invalid(f"{at[:80]!r} is neither an environment's nor an alias' name.", field="at")


def _hooks() -> Any:
    return IntakeHook.objects.select_related("project", "model__project")


def _locked(hook_id: int) -> IntakeHook:
    """Two messages of one hook come one after the other. Raises IntakeHookMissing if it was deleted meanwhile."""
    hook: IntakeHook | None = _hooks().select_for_update(of=("self",)).filter(pk=hook_id).first()
    if hook is None:
        raise IntakeHookMissing("This intake hook was deleted.")
    return hook


def _record(hook: IntakeHook, action: str, actor: Principal, **evidence: Any) -> None:
    record(
        action=action,
        target=hook_target(hook),
        actor=actor,
        project=hook.project,
        refs=[("model", str(hook.model.uuid))],
        **evidence,
    )
