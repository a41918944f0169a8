"""What can be wrong with runs and what is logged to them, in words a user would accept."""

from uuid import UUID

from core.errors import Conflict, Gone, Invalid, NotFound


class ExperimentNotFound(NotFound):
    """No experiment of this name, or none that the caller may see."""

    code = "experiment-not-found"
    title = "Experiment not found"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no experiment '{name}' in this project.")


class ExperimentExists(Conflict):
    """The name is taken, maybe by a deleted experiment, which keeps it."""

    code = "experiment-exists"
    title = "Experiment name taken"

    def __init__(self, name: str, *, deleted: bool) -> None:
        hint = " It is deleted; restore it, or choose another name." if deleted else ""
        super().__init__(f"An experiment '{name}' exists in this project.{hint}", deleted=deleted)


class ExperimentDeleted(Conflict):
    """A run is started in an experiment that was deleted."""

    code = "experiment-deleted"
    title = "Experiment deleted"

    def __init__(self, name: str) -> None:
        super().__init__(f"The experiment '{name}' is deleted; restore it first.")


class RunNotFound(NotFound):
    """No run of this id, or none that the caller may see."""

    code = "run-not-found"
    title = "Run not found"

    def __init__(self, id: UUID) -> None:  # noqa: A002 - what it is called everywhere else
        super().__init__(f"There is no run {id.hex} in this project.")


class RunIdTaken(Conflict):
    """The chosen run id belongs to another run: another creator's, or of another experiment."""

    code = "run-id-taken"
    title = "Run id taken"

    def __init__(self, id: UUID) -> None:  # noqa: A002 - what it is called everywhere else
        super().__init__(f"The id {id.hex} belongs to another run of this project.")


class ExperimentPurged(Gone):
    """An experiment that was purged; its name may be another's by now."""

    code = "experiment-purged"
    title = "Experiment purged"

    def __init__(self, name: str, words: str) -> None:
        super().__init__(f"The experiment '{name}' was {words}. It cannot be restored.")


class RunPurged(Gone):
    """A run that was purged: its id stays taken, so that nothing sent late makes it anew."""

    code = "run-purged"
    title = "Run purged"

    def __init__(self, id: UUID, words: str) -> None:  # noqa: A002 - what it is called everywhere else
        super().__init__(f"Run {id.hex} was {words}. It cannot be restored or written to.")


class RunDeleted(Conflict):
    """A write to a run that was deleted."""

    code = "run-deleted"
    title = "Run deleted"

    def __init__(self, id: UUID) -> None:  # noqa: A002 - what it is called everywhere else
        super().__init__(f"Run {id.hex} is deleted; restore it first.")


class SequenceGap(Conflict):
    """A batch came before one that was never seen. `expected` is the number to go on with."""

    code = "sequence-gap"
    title = "Batch out of order"

    def __init__(self, *, expected: int, given: int) -> None:
        super().__init__(
            f"Batch {given} of this writer came while batch {expected} is awaited; nothing was stored.",
            expected=expected,
            given=given,
        )


class ParamNotFound(NotFound):
    code = "param-not-found"
    title = "Param not found"

    def __init__(self, key: str) -> None:
        super().__init__(f"This run has no param '{key}'.")


class TagNotFound(NotFound):
    code = "tag-not-found"
    title = "Tag not found"

    def __init__(self, key: str) -> None:
        super().__init__(f"This run has no tag '{key}'.")


class SeriesNotFound(NotFound):
    code = "metric-not-found"
    title = "Metric not found"

    def __init__(self, key: str) -> None:
        super().__init__(f"This run has no metric '{key}'.")


class DatasetNotFound(NotFound):
    code = "dataset-not-found"
    title = "Dataset not found"


class ArtifactNotFound(NotFound):
    code = "artifact-not-found"
    title = "Artifact not found"

    def __init__(self, path: str) -> None:
        super().__init__(f"This run has no artifact '{path}'.")


class ArtifactQuarantined(Conflict):
    """The stored bytes do not match their digest, so they are not handed out."""

    code = "artifact-quarantined"
    title = "Artifact quarantined"

    def __init__(self, path: str, *, state: str) -> None:
        super().__init__(f"The stored bytes of '{path}' are {state}; they are not handed out.", state=state)


class UploadNotFound(NotFound):
    code = "upload-not-found"
    title = "Upload not found"

    def __init__(self) -> None:
        super().__init__("There is no such upload; it may have been committed or forgotten. Announce the file again.")


class UploadIncomplete(Conflict):
    """A commit came before all announced bytes. `offset` tells where to go on."""

    code = "upload-incomplete"
    title = "Upload incomplete"

    def __init__(self, *, size: int, received: int) -> None:
        super().__init__(
            f"{received} of {size} announced bytes have arrived; send the rest from there.",
            size=size,
            offset=received,
        )


class ChecksumMismatch(Invalid):
    """The bytes that arrived are not those that were announced. Nothing was published; the upload begins again."""

    code = "checksum-mismatch"
    title = "Checksum mismatch"

    def __init__(self, *, announced: str, found: str) -> None:
        super().__init__(
            f"The bytes that arrived have sha256 {found}, announced was {announced}. Nothing was stored.",
            announced=announced,
            found=found,
        )


class NotDirect(Conflict):
    """Links to the store were asked for, and clients do not reach it."""

    code = "upload-not-direct"
    title = "Send it to this server"

    def __init__(self) -> None:
        super().__init__("Bytes go through this server: send them to the upload itself.")


class UploadCommitted(Conflict):
    """More was to be sent of a file that is recorded already."""

    code = "upload-committed"
    title = "Upload committed"

    def __init__(self) -> None:
        super().__init__("This file was committed; nothing more is taken.")


class HistoryTooSlow(Invalid):
    """Reading histories was stopped at its limit of time."""

    code = "history-too-slow"
    title = "History too slow"

    def __init__(self, limit_s: float) -> None:
        super().__init__(
            f"Reading these histories was stopped after {limit_s:g} s. Ask for fewer metrics at once.", limit_s=limit_s
        )


class ViewNotFound(NotFound):
    """No saved view of this id, or none that the caller may see."""

    code = "view-not-found"
    title = "View not found"

    def __init__(self) -> None:
        super().__init__("There is no such saved view in this project.")


class ViewExists(Conflict):
    """The name is taken by another view of the project."""

    code = "view-exists"
    title = "View name taken"

    def __init__(self, name: str) -> None:
        super().__init__(f"A view '{name}' exists in this project.", field="name")


class ParquetMissing(Invalid):
    """Parquet was asked for, of a server that cannot write it."""

    code = "parquet-missing"
    title = "No Parquet here"

    def __init__(self) -> None:
        super().__init__(
            "This server writes no Parquet, because pyarrow is not installed: pip install 'lineal-server[parquet]'. "
            "CSV and JSON hold the same.",
            field="format",
        )
