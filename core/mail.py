"""The one way in which this server sends mail: through the server that LINEAL_SMTP_URL names, one connection per message.

smtp://host:25 speaks in the clear, smtp+starttls:// turns to TLS first, smtps:// is TLS from the start; the latter two check
the server's certificate. User and password stand percent-encoded in the address.
"""

import smtplib
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from django.conf import settings

from core.errors import Invalid, Unavailable

PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


class MailNotSet(Invalid):
    """This server has no mail server to send through."""

    code = "mail-not-set"
    title = "No mail server"

    def __init__(self) -> None:
        super().__init__("This server sends no mail; whoever runs it can set LINEAL_SMTP_URL.", field="kind")


class MailRefused(Invalid):
    """The mail server will not take this message, now or later."""

    code = "mail-refused"
    title = "Mail refused"


class MailFailed(Unavailable):
    """The mail server did not take this message now."""

    code = "mail-failed"
    title = "Mail not taken"


@dataclass(frozen=True, slots=True)
class MailServer:
    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"MailServer({self.scheme}://{self.host}:{self.port}, credentials hidden)"


def parse_server(url: str) -> MailServer:
    """Raises ValueError unless it looks like smtp://, smtps:// or smtp+starttls://user:password@host:port."""
    parts = urlsplit(url)
    try:
        port = parts.port or PORTS.get(parts.scheme)
    except ValueError:  # its words would show a password that stands where the port should
        port = None
    bare = parts.path in {"", "/"} and not parts.query and not parts.fragment
    if port is None or parts.scheme not in PORTS or not parts.hostname or not bare:
        raise ValueError("expected smtp://, smtps:// or smtp+starttls://user:password@host:port")
    if bool(parts.username) != bool(parts.password):
        raise ValueError("expected a user and a password, or neither")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not all(text.isascii() and text.isprintable() for text in (user, password)):
        raise ValueError("expected printable ASCII as user and password, which is all that Python's SMTP can send")
    return MailServer(parts.scheme, parts.hostname, port, user, password)


def masked(address: str) -> str:
    """Its first letter and its domain: enough to tell by, and no directory of people."""
    return f"{address[:1]}…@{address.rpartition('@')[2]}"


def is_set() -> bool:
    return bool(settings.SMTP_URL)


def send(message: EmailMessage, *, to: Sequence[str], timeout_s: float) -> str:
    """Hand `message` to the mail server; its words about recipients that it left out, empty if it took all.

    Raises:
        MailNotSet: no server is set.
        MailRefused: the message, or every recipient, is refused for good.
        MailFailed: the server was not reached, or says to try later.
    """
    if not is_set():
        raise MailNotSet
    server = parse_server(settings.SMTP_URL)
    try:
        with _connected(server, timeout_s) as smtp:
            if server.user:
                smtp.login(server.user, server.password)
            return _words(smtp.send_message(message, from_addr=settings.MAIL_FROM, to_addrs=list(to)))
    except smtplib.SMTPRecipientsRefused as exc:
        is_final = all(code >= 500 for code, _ in exc.recipients.values())
        raise (MailRefused if is_final else MailFailed)(_words(exc.recipients)) from exc
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as exc:
        raise (MailRefused if exc.smtp_code >= 500 else MailFailed)(_answer(exc.smtp_code, exc.smtp_error)) from exc
    except (OSError, smtplib.SMTPException) as exc:  # a wrong password too: whoever runs the server can mend it
        raise MailFailed(f"{server.host}: {type(exc).__name__}: {exc}") from exc


@contextmanager
def _connected(server: MailServer, timeout_s: float) -> Iterator[smtplib.SMTP]:
    """A farewell that fails fails nothing: by then the message was taken or was not."""
    context = ssl.create_default_context()
    if server.scheme == "smtps":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=timeout_s, context=context)
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=timeout_s)
    try:
        if server.scheme == "smtp+starttls":
            smtp.starttls(context=context)
        yield smtp
    finally:
        with suppress(OSError, smtplib.SMTPException):
            smtp.quit()
        smtp.close()


def _words(refused: Mapping[str, tuple[int, bytes]]) -> str:
    return "; ".join(f"{masked(address)}: {_answer(code, words)}" for address, (code, words) in refused.items())


def _answer(code: int, words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return f"{code} {text}"
