"""Baselines: frozen when a version is registered, from what its run says of the training data; replaced by people alone."""

from base64 import b64decode, b64encode
from hashlib import sha256
from typing import Any

from django.db import transaction

from audit.services import record
from core import clock
from core.access import Principal, system_principal
from core.sealing import seal, unseal
from core.storage import ObjectMissing, get_store
from monitoring.errors import BaselineMissing, ProfileMismatch, ProfileUnreadable
from monitoring.models import Baseline
from monitoring.profiles import (
    DEFAULT_KEY,
    IncompatibleProfiles,
    InvalidProfile,
    Profile,
    Reference,
    key_id,
    read_profile,
    reference_of,
)
from monitoring.profiles.errors import require
from monitoring.services.windows import judge_unjudged
from registry.evidence import version_target
from registry.models import ModelVersion
from tracking.models import Artifact
from tracking.selectors import list_artifacts

FOLDER = "lineal/profiles"
SUFFIX = ".lineal-profile"
FIRST = (f"{FOLDER}/reference{SUFFIX}", f"{FOLDER}/train{SUFFIX}")
MOST_BYTES = 16 * 1024 * 1024  # of a profile's bytes; a thousand columns take some 10 MB


@transaction.atomic
def freeze_baseline(*, version: ModelVersion) -> Baseline | None:
    """Keep what the version's run says of its training data; None where it says nothing, or nothing readable. A baseline
    that is there stays. Idempotent; for workers.
    """
    known = Baseline.objects.filter(version=version).first()
    artifact = _artifact_of(version) if known is None else None
    if artifact is None:
        return known
    try:
        document = read_artifact(artifact)
        profile = read_document(document)
    except (ProfileUnreadable, ObjectMissing) as exc:
        _record(version, "baseline.freeze", system_principal("worker"), outcome="error", reason=exc.detail)
        return None
    return _put(version, profile, document, key=None, source=artifact.path, actor=system_principal("worker"))


@transaction.atomic
def put_baseline(
    *, version: ModelVersion, document: bytes, reason: str, actor: Principal, key: bytes | None = None
) -> Baseline:
    """Compare production with `document` from now on. Windows that could not be judged for want of a baseline are judged;
    those that were judged stay as they were. The same again changes nothing.

    Raises:
        ProfileUnreadable: it is no profile.
        ProfileMismatch: its hashes are not under `key`.
    """
    profile = read_document(document)
    ModelVersion.objects.select_for_update().get(pk=version.pk)
    known = Baseline.objects.filter(version=version).first()
    if known is not None and known.sha256 == sha256(document).hexdigest() and key in (None, key_of(known)):
        return known
    baseline = _put(version, profile, document, key=key, source="", actor=actor, reason=reason, known=known)
    judge_unjudged(version=version)
    return baseline


def read_document(document: bytes) -> Profile:
    """Raises ProfileUnreadable, naming the place and what was expected there."""
    try:
        require(len(document) <= MOST_BYTES, "bytes", f"at most {MOST_BYTES}")
        return read_profile(document)
    except InvalidProfile as exc:
        raise ProfileUnreadable(f"This is no profile: {exc}", field="profile") from exc


def baseline_profile(baseline: Baseline) -> Profile:
    """What was checked when it was kept. Raises ProfileUnreadable if the table was tampered with."""
    document = bytes(baseline.document)
    if sha256(document).hexdigest() != baseline.sha256:
        raise ProfileUnreadable("The stored baseline is not the one that was frozen.")
    return read_document(document)


def key_of(baseline: Baseline) -> bytes | None:
    """The hashing key, if it is known here. Raises SealBroken."""
    return b64decode(unseal(baseline.sealed_key)) if baseline.sealed_key else None


def reference_for(baseline: Baseline) -> Reference:
    """What others profile against, key included. Raises BaselineMissing where the key is not known here."""
    key = key_of(baseline)
    if key is None:
        raise BaselineMissing(
            "The baseline is hashed with a key that this server was not told; put the baseline again, with its key."
        )
    return reference_of(baseline_profile(baseline), key)


def _artifact_of(version: ModelVersion) -> Artifact | None:
    """The run's profile called `reference`, else `train`, else the only one there is."""
    found = {each.path: each for each in list_artifacts(version.run, FOLDER) if each.path.endswith(SUFFIX)}
    named = next((found[path] for path in FIRST if path in found), None)
    return named or (next(iter(found.values())) if len(found) == 1 else None)


def read_artifact(artifact: Artifact) -> bytes:
    """The bytes of a profile that a run keeps. Raises ObjectMissing, ProfileUnreadable."""
    blob = artifact.blob
    if blob.size > MOST_BYTES or not blob.is_usable:
        raise ProfileUnreadable(f"{artifact.path} has {blob.size} bytes and is {blob.state}.")
    document = b"".join(get_store().open(blob.project.uuid, blob.sha256))
    if sha256(document).hexdigest() != blob.sha256:
        raise ProfileUnreadable(f"The stored bytes of {artifact.path} are not those that were uploaded.")
    return document


def _put(
    version: ModelVersion,
    profile: Profile,
    document: bytes,
    *,
    key: bytes | None,
    source: str,
    actor: Principal,
    reason: str = "",
    known: Baseline | None = None,
) -> Baseline:
    if key is None and profile.key == key_id(DEFAULT_KEY):
        key = DEFAULT_KEY
    try:
        reference_id = reference_of(profile, key).id if key is not None else ""
    except IncompatibleProfiles as exc:
        raise ProfileMismatch(str(exc), field="key") from exc
    baseline, is_new = Baseline.objects.update_or_create(
        version=version,
        defaults={
            "document": document,
            "sha256": sha256(document).hexdigest(),
            "privacy": profile.privacy,
            "rows": profile.rows,
            "key_name": profile.key,
            "sealed_key": seal(b64encode(key).decode()) if key is not None else b"",
            "reference_id": reference_id,
            "source": source,
            "frozen_at": clock.now(),
            "frozen_by_id": actor.id,
            "frozen_by": actor.name,
        },
    )
    after = {"sha256": baseline.sha256, "rows": baseline.rows, "reference": reference_id, "source": source}
    before = {"sha256": known.sha256} if known is not None else None
    _record(
        version, "baseline.freeze" if is_new else "baseline.replace", actor, reason=reason, before=before, after=after
    )
    return baseline


def _record(version: ModelVersion, action: str, actor: Principal, **evidence: Any) -> None:
    record(action=action, target=version_target(version), actor=actor, project=version.model.project, **evidence)
