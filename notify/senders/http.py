"""What webhooks and chats share: JSON by POST through the one outbound client, and what an answer means."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from core import clock, outbound
from core.outbound import Answer, OutboundFailed, OutboundRefused, parse_url
from notify.senders.base import TIMEOUT_S, Outcome, Result

TRY_AGAIN = frozenset({408, 409, 425, 429})  # and every status from 500 on
GONE = 410
ADDRESS_LENGTH = 2_000


def read_address(text: str) -> str:
    """Checked as far as an address can be without asking its name server: that is done when it is called.

    Raises:
        OutboundRefused: it is no http or https address.
    """
    if len(text) > ADDRESS_LENGTH:
        raise OutboundRefused(f"An address has at most {ADDRESS_LENGTH} characters.", field="target")
    parse_url(text)
    return text


def show_address(address: str) -> str:
    """The host alone: what follows it is the secret of many receivers."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}/…" if parts.path.strip("/") or parts.query else address


def post(url: str, *, headers: Mapping[str, str], body: bytes) -> Outcome:
    headers = {"Content-Type": "application/json", **headers}
    try:
        answer = outbound.send("POST", url, headers=headers, body=body, timeout_s=TIMEOUT_S)
    except OutboundRefused as exc:
        return Outcome(Result.REFUSED, error=exc.detail)
    except OutboundFailed as exc:
        return Outcome(Result.LATER, error=exc.detail)
    return weigh(answer)


def weigh(answer: Answer) -> Outcome:
    """Any answer of 200 to 299 is thanks. A redirect is refused: who moves has to be told here."""
    return Outcome(
        _result(answer.status),
        status=answer.status,
        answer=answer.body.decode("utf-8", "replace"),
        retry_after_s=_retry_after(answer.headers),
    )


def _result(status: int) -> Result:
    if 200 <= status < 300:
        return Result.TAKEN
    if status == GONE:
        return Result.GONE
    return Result.LATER if status >= 500 or status in TRY_AGAIN else Result.REFUSED


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds; None where it is missing or says nothing (RFC 9110, 10.2.3)."""
    text = next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        moment: datetime = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - clock.now()).total_seconds())
