"""E-mail: plain text to some addresses, through the mail server of whoever runs this one.

The message's id is made of the delivery's, so a mail that is sent twice has one id, by which mail systems tell.
"""

from email.message import EmailMessage
from email.utils import format_datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from core import clock, mail
from core.errors import Invalid
from notify.senders.base import TIMEOUT_S, Message, Outcome, Place, Result, Sender

MOST_ADDRESSES = 20


def read_addresses(text: str) -> str:
    """Raises Invalid unless these are 1 to 20 addresses, with commas between them."""
    addresses = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not 1 <= len(addresses) <= MOST_ADDRESSES:
        raise Invalid(f"Expected 1 to {MOST_ADDRESSES} e-mail addresses, with commas between them.", field="target")
    for address in addresses:
        try:
            validate_email(address)
        except ValidationError as exc:
            raise Invalid(f"{address[:80]!r} is not an e-mail address.", field="target") from exc
        if not address.isascii():
            raise Invalid(f"{address[:80]!r} has letters that not every mail server takes.", field="target")
    return ", ".join(addresses)


def show_addresses(text: str) -> str:
    return ", ".join(mail.masked(address) for address in text.split(", "))[:500]


def compose(message: Message, to: str) -> EmailMessage:
    mail_message = EmailMessage()
    mail_message["Subject"] = f"[{message.project}] {message.title}"
    mail_message["From"] = settings.MAIL_FROM
    mail_message["To"] = to
    mail_message["Date"] = format_datetime(clock.now())
    mail_message["Message-ID"] = f"<{message.id}@{settings.MAIL_FROM.rpartition('@')[2].rstrip('>')}>"
    mail_message["Auto-Submitted"] = "auto-generated"
    mail_message["X-Lineal-Event"] = message.event
    parts = [message.title, message.text, message.link, f"{message.severity} · {message.event} · {message.at}"]
    mail_message.set_content("\n\n".join(part for part in parts if part) + "\n")
    return mail_message


def send(place: Place, message: Message) -> Outcome:
    try:
        left_out = mail.send(compose(message, place.target), to=place.target.split(", "), timeout_s=TIMEOUT_S)
    except (mail.MailRefused, mail.MailNotSet) as exc:
        return Outcome(Result.REFUSED, error=exc.detail)
    except mail.MailFailed as exc:
        return Outcome(Result.LATER, error=exc.detail)
    return Outcome(Result.TAKEN, status=250, answer=f"Left out: {left_out}" if left_out else "")


SENDER = Sender(read_addresses, show_addresses, send)
