"""Who sent a message: HMAC-SHA256 over it with a secret that both sides have. Pure functions.

Two forms are taken. Standard Webhooks 1.0 signs `{id}.{timestamp}.{body}` with the key that follows `whsec_`, so a message
cannot be sent again later. The plain form, `X-Signature: sha256=<hex>` (or GitHub's `X-Hub-Signature-256`), signs the body
alone with the whole text of the secret as its key; without a time in it, its id is the digest of its body.
"""

import binascii
import hmac
import re
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from hashlib import sha256

MARK = "whsec_"
SECRET_BYTES = 32
TOLERANCE_S = 300  # how old, or how far ahead, a timestamp may be
MOST_SIGNATURES = 10  # in one header; senders use two while they change their secret
MESSAGE_ID = re.compile(r"[\x21-\x2d\x2f-\x7e]{1,255}")  # no full stop, which separates what is signed
PLAIN_HEADERS = ("X-Signature", "X-Hub-Signature-256")


def new_secret() -> str:
    return MARK + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def check_secret(text: str) -> str:
    """`text`, if it is a secret as Standard Webhooks writes them: `whsec_` and 24 to 64 bytes in base64.

    Raises:
        ValueError: it is not.
    """
    if not text.startswith(MARK) or not 24 <= len(_raw(text.removeprefix(MARK))) <= 64:
        raise ValueError("Expected whsec_ and 24 to 64 bytes in base64.")
    return text


def sign(secret: str, *, message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` of Standard Webhooks 1.0."""
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    return "v1," + b64encode(hmac.digest(b64decode(secret.removeprefix(MARK)), signed, sha256)).decode()


def sign_plain(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.digest(secret.encode(), body, sha256).hex()


def proven_message_id(secret: str, *, headers: Mapping[str, str], body: bytes, now_s: float) -> str | None:
    """The id of a message that the holder of `secret` signed; None for every way in which it may not be.

    `headers` is asked by names in the case that the specifications use, and has to find them in any.
    """
    if headers.get("webhook-signature") is not None:
        return _standard(secret, headers, body, now_s)
    given = next((headers[name] for name in PLAIN_HEADERS if headers.get(name) is not None), None)
    if given is None or not hmac.compare_digest(given.lower().encode(), sign_plain(secret, body).encode()):
        return None
    return f"sha256:{sha256(body).hexdigest()}"


def _standard(secret: str, headers: Mapping[str, str], body: bytes, now_s: float) -> str | None:
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not MESSAGE_ID.fullmatch(message_id) or not (timestamp.isascii() and timestamp.isdecimal()):
        return None
    if len(timestamp) > 12 or abs(int(timestamp) - now_s) > TOLERANCE_S:
        return None
    wanted = _raw(sign(secret, message_id=message_id, timestamp=int(timestamp), body=body))
    given = headers["webhook-signature"].split(" ")[:MOST_SIGNATURES]
    matches = [hmac.compare_digest(_raw(each), wanted) for each in given if each.startswith("v1,")]
    return message_id if any(matches) else None


def _raw(signature: str) -> bytes:
    try:
        return b64decode(signature.removeprefix("v1,"), validate=True)
    except (binascii.Error, ValueError):
        return b""
