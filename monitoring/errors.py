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
