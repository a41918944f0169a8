"""What a refused form says to whoever sent it, and what its fields may hold."""

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts import selectors
from accounts.models import Account
from core.access import Principal, Role
from core.errors import Conflict, Invalid, LinealError, Malformed, NotFound

REFUSALS = (Malformed, Invalid, Conflict)  # what a person can mend in the form; all else is a page of its own
LONGEST_REASON = 500  # characters, as the REST interface has it
LONGEST_DISPLAY_NAME = 200


def told(error: LinealError | None) -> list[str]:
    """In words, one line for each mistake, with the field where it does not speak for itself; each once."""
    if error is None:
        return []
    mistakes = error.extra.get("errors") or []
    lines = [_line(str(each.get("field", "")), str(each["detail"])) for each in mistakes]
    return list(dict.fromkeys(lines)) or [error.detail]


def _line(field: str, detail: str) -> str:
    return f"{field}: {detail}" if "." in field or "[" in field else detail


def chosen_role(text: str) -> Role:
    """Raises Invalid."""
    if text.upper() not in Role.__members__:
        raise Invalid(f"A role is one of {', '.join(role.label for role in Role)}.", field="role")
    return Role[text.upper()]


def named_account(name: str, viewer: Principal) -> Account:
    """As a field names it. Raises Invalid where a path would answer 404."""
    try:
        return selectors.get_account(name=name.strip(), visible_to=viewer)
    except NotFound as error:
        raise Invalid(error.detail, field="account") from error


def reason_of(text: str, *, needed: bool = False) -> str:
    """Raises Invalid."""
    reason = text.strip()
    if needed and not reason:
        raise Invalid("Say why; the reason is kept in the ledger.", field="reason")
    if len(reason) > LONGEST_REASON:
        raise Invalid(f"A reason has at most {LONGEST_REASON} characters.", field="reason")
    return reason


def display_name(text: str) -> str:
    """Raises Invalid."""
    name = text.strip()
    if len(name) > LONGEST_DISPLAY_NAME:
        raise Invalid(f"A display name has at most {LONGEST_DISPLAY_NAME} characters.", field="display_name")
    return name


def mail_address(text: str) -> str:
    """Empty, or an address. Raises Invalid."""
    address = text.strip()
    if address:
        try:
            validate_email(address)
        except ValidationError as error:
            raise Invalid(f"'{address[:80]}' is no e-mail address.", field="email") from error
    return address
