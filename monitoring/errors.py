"""What can be wrong with what is sent to the monitoring room."""

from core.errors import Invalid


class EvidenceUnreadable(Invalid):
    """A document that no known tool writes, or one that lacks what its tool always says; `errors` has the place."""

    code = "evidence-unreadable"
    title = "Evidence not readable"
