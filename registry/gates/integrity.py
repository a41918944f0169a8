"""The `integrity` gate: a worker has matched every stored byte of the version to its digest. It has no fields."""

from collections import Counter

from registry.gates.base import Case, Finding, Gate, Spec, Status, register
from registry.gates.fields import Fields
from registry.models import ManifestFile
from tracking.models import Blob

BROKEN = (Blob.State.QUARANTINED, Blob.State.MISSING)


def read(fields: Fields) -> Spec:
    return {}


def judge(spec: Spec, case: Case) -> Finding:
    """Observed and limit are files verified and files in all. Waiting while workers still read."""
    states = Counter(ManifestFile.objects.filter(version=case.version).values_list("blob__state", flat=True))
    verified, total = states[Blob.State.VERIFIED], sum(states.values())
    broken = [f"{states[state]} {state}" for state in BROKEN if states[state]]
    if broken:
        status, detail = Status.FAIL, f"Of {total} files, {' and '.join(broken)}."
    elif verified < total:
        status, detail = Status.WAITING, f"Workers have verified {verified} of {total} files so far."
    else:
        status, detail = Status.PASS, ""
    return Finding(status, observed=verified, limit=total, evidence=(case.version.digest,), detail=detail)


register(Gate("integrity", read, judge))
