"""What the ledger records about itself and about access in general."""

from audit.actions import register

ACCESS_DENIED = register(name="access.denied", sentence="was refused {target}")
EXPORT = register(
    name="audit.export",
    sentence="exported the ledger of {target}",
    personal=("filter",),  # it may name a person, who can ask to be forgotten
)
READ_PRIVATE = register(name="audit.read_private", sentence="read the private values of {target}")
ERASE_PRIVATE = register(name="audit.erase_private", sentence="erased private values of {target}")
VERIFY = register(name="audit.verify", sentence="verified {target}")
ANCHOR = register(name="audit.anchor", sentence="anchored {target}")
ROTATE_KEY = register(name="audit.rotate_key", sentence="handed {target} over to a new key")
BACKUP = register(name="store.backup", sentence="backed up {target}", personal=("by",))
RESTORE = register(name="store.restore", sentence="restored {target} from a backup", personal=("by",))
