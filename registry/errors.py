"""What can be wrong with an act of the registry."""

from typing import Any

from core.errors import Conflict, Forbidden, Gone, Invalid, NotFound


class NameTaken(Conflict):
    code = "name-taken"
    title = "Name taken"


class ModelMissing(NotFound):
    code = "model-not-found"
    title = "No such model"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no model '{name}' in this project.")


class VersionMissing(NotFound):
    code = "version-not-found"
    title = "No such version"

    def __init__(self, name: str, ref: str) -> None:
        super().__init__(f"The model '{name}' has no version {ref!r}. A version is a number or sha256:…")


class EnvironmentMissing(NotFound):
    code = "environment-not-found"
    title = "No such environment"

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"There is no environment '{name}' in this project; there are {', '.join(known)}.")


class ArtifactBarred(Conflict):
    """The store's bytes do not match their digest, or are gone."""

    code = "artifact-quarantined"
    title = "Artifact quarantined"


class VersionInUse(Conflict):
    """A version that holds an environment cannot be put away."""

    code = "version-in-use"
    title = "Version in use"


class VersionBarred(Conflict):
    """A quarantined or retired version may not be given new work."""

    code = "version-barred"
    title = "Version quarantined or retired"


class VersionDeleted(Conflict):
    """A write to a version that lies in the bin."""

    code = "version-deleted"
    title = "Version deleted"

    def __init__(self, label: str) -> None:
        super().__init__(f"{label} is deleted; restore it first.")


class VersionPurged(Gone):
    """What stays of a purged version is its record: number, digest, run, and what was decided about it."""

    code = "version-purged"
    title = "Version purged"

    def __init__(self, label: str, words: str) -> None:
        super().__init__(f"{label} was {words}. Its files are gone, and it cannot be restored.")


class ModelDeleted(Conflict):
    """A write to a model that lies in the bin."""

    code = "model-deleted"
    title = "Model deleted"

    def __init__(self, name: str) -> None:
        super().__init__(f"The model '{name}' is deleted; restore it first.")


class ModelPurged(Gone):
    code = "model-purged"
    title = "Model purged"

    def __init__(self, name: str, words: str) -> None:
        super().__init__(f"The model '{name}' was {words}. It cannot be restored.")


class AliasIsEnvironment(Conflict):
    """An alias of that name shows what an environment holds; it moves by promotion alone."""

    code = "alias-is-environment"
    title = "That alias is an environment"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"'{name}' is an environment, and as an alias shows what it holds. To move it, request a promotion: "
            f"POST /api/v1/models/…/promotions, or lineal promote … --to {name}."
        )


class PolicyRefused(Invalid):
    """A policy document that cannot stand; `errors` has every reason."""

    code = "policy-invalid"
    title = "Policy not acceptable"


class KeyReused(Invalid):
    """An idempotency key names one request for ever."""

    code = "idempotency-mismatch"
    title = "Idempotency key of another request"


class PromotionClosed(Conflict):
    code = "promotion-closed"
    title = "Promotion already decided"


class NothingToApprove(Conflict):
    code = "nothing-to-approve"
    title = "No approval wanted"


class EvidenceChanged(Conflict):
    """What the approver would sign is not what stood there: the new evidence is on record, and has to be looked at."""

    code = "evidence-changed"
    title = "Evidence changed"


class DigestDiffers(Conflict):
    """The approver names other bytes than the promotion would move."""

    code = "digest-differs"
    title = "Another digest"


class MayNotSign(Forbidden):
    """Has the right to approve in this project, and not this promotion: proposer, author, service, or role too low."""

    code = "may-not-sign"
    title = "Not yours to approve"

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(detail, **extra)


class NothingToRollBackTo(Conflict):
    code = "nothing-to-roll-back-to"
    title = "Nothing to roll back to"


class HolderDiffers(Conflict):
    """The environment is held by another version than the caller expected, and there is no version left to decide on."""

    code = "holder-differs"
    title = "The environment is held by another version than expected"

    def __init__(self, environment: str, *, expected: str, found: str) -> None:
        super().__init__(f"Expected {expected} in '{environment}', found {found}.", expected=expected, found=found)


class ReceiptMissing(NotFound):
    code = "receipt-not-found"
    title = "No such receipt"
