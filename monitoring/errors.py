"""What can be wrong with what is sent to the monitoring room."""

from core.errors import Conflict, Invalid, NotFound, Unauthenticated


class EvidenceUnreadable(Invalid):
    """A document that no known tool writes, or one that lacks what its tool always says; `errors` has the place."""

    code = "evidence-unreadable"
    title = "Evidence not readable"


class NameTaken(Conflict):
    code = "name-taken"
    title = "Name taken"


class IntakeHookMissing(NotFound):
    code = "intake-hook-not-found"
    title = "No such intake hook"


class TriggerMissing(NotFound):
    code = "trigger-not-found"
    title = "No such trigger"


class TriggerRefused(Invalid):
    """A trigger that cannot stand; `errors` has every reason."""

    code = "trigger-invalid"
    title = "Trigger not acceptable"


class NotSigned(Unauthenticated):
    """One answer for a hook that is unknown or disabled and for every way in which a signature can be wrong, so that
    trying teaches nothing.
    """

    code = "not-signed"
    title = "Signature not accepted"

    def __init__(self) -> None:
        super().__init__("This message is not accepted: its hook is unknown, or its signature or time does not hold.")


class MessageDiffers(Conflict):
    """The sender's id for a message names one message for ever."""

    code = "message-differs"
    title = "Another message had this id"


class NothingThere(Conflict):
    """The hook's pointer points at no version now."""

    code = "nothing-there"
    title = "No version to attach to"


class MonitorMissing(NotFound):
    code = "monitor-not-found"
    title = "No such monitor"


class MonitorRefused(Invalid):
    """Settings that no monitor can have; `errors` has every reason."""

    code = "monitor-invalid"
    title = "Monitor not acceptable"


class BaselineMissing(NotFound):
    """The version has no baseline, or one whose hashing key is not known here, so nothing can be profiled against it."""

    code = "baseline-not-found"
    title = "No baseline"


class ProfileUnreadable(Invalid):
    """Bytes that are no profile, or no longer the one that was made; nothing is kept of them."""

    code = "profile-unreadable"
    title = "Profile not readable"


class ProfileMismatch(Invalid):
    """A profile of something else than the monitor's version: it was hashed with another key, or as another mode."""

    code = "profile-mismatch"
    title = "Profile does not belong here"


class PartDiffers(Conflict):
    """The sender's id for a part names one profile for ever."""

    code = "part-differs"
    title = "Another profile had this id"


class WindowMissing(NotFound):
    code = "window-not-found"
    title = "No such window"


class NotJudged(Conflict):
    """Nothing can be said of a window that has not been judged."""

    code = "not-judged"
    title = "Not judged yet"


class AlertMissing(NotFound):
    code = "alert-not-found"
    title = "No such alert"


class AlertClosed(Conflict):
    code = "alert-closed"
    title = "Alert is closed"


class SourceMissing(NotFound):
    code = "source-not-found"
    title = "No such source"


class SourceRefused(Invalid):
    """A path that no source can have; `errors` has the reason."""

    code = "source-invalid"
    title = "Source not acceptable"
