"""A plain webhook: JSON, signed as Standard Webhooks 1.0 has it. The delivery's id is the message's, on every attempt.

After its secret was renewed a message carries two signatures for a while, so that a receiver can change over in peace.
"""

import orjson

from core.signatures import sign
from notify.senders.base import Message, Outcome, Place, Sender
from notify.senders.http import post, read_address, show_address


def document(message: Message) -> dict[str, object]:
    data = {
        "project": message.project,
        "severity": message.severity,
        "title": message.title,
        "text": message.text,
        "url": message.url,
        "facts": message.facts,
    }
    return {"type": message.event, "timestamp": message.at, "data": data}


def send(place: Place, message: Message) -> Outcome:
    body = orjson.dumps(document(message))
    signatures = [
        sign(secret, message_id=message.id, timestamp=message.timestamp_s, body=body) for secret in place.secrets
    ]
    headers = {
        "webhook-id": message.id,
        "webhook-timestamp": str(message.timestamp_s),
        "webhook-signature": " ".join(signatures),
    }
    return post(place.target, headers=headers, body=body)


SENDER = Sender(read_address, show_address, send, is_signed=True)
