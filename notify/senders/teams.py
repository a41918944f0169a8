"""Microsoft Teams through a Workflows webhook ("Post to a channel when a webhook request is received"): an Adaptive Card.

Texts are runs of a RichTextBlock, which knows no Markdown, so that nothing logged passes for a link.
"""

from typing import Any

import orjson

from notify.senders.base import Message, Outcome, Place, Sender
from notify.senders.http import post, read_address, show_address
from notify.senders.slack import cut

SCHEMA = "http://adaptivecards.io/schemas/adaptive-card.json"
CONTENT_TYPE = "application/vnd.microsoft.card.adaptive"
TEXT_LENGTH = 8_000  # a message has 28 KB at most
COLOURS = {"info": "accent", "warn": "warning", "critical": "attention"}


def document(message: Message) -> dict[str, Any]:
    body = [_block(message.title, weight="bolder", size="medium", color=COLOURS[message.severity])]
    if message.text:
        body.append(_block(cut(message.text, TEXT_LENGTH)))
    body.append(_block(f"{message.severity} · {message.event} · {message.project}", size="small", isSubtle=True))
    card: dict[str, Any] = {"$schema": SCHEMA, "type": "AdaptiveCard", "version": "1.2", "body": body}
    if message.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open in Lineal", "url": message.link}]
    return {"type": "message", "attachments": [{"contentType": CONTENT_TYPE, "contentUrl": None, "content": card}]}


def _block(text: str, **look: Any) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **look}]}


def send(place: Place, message: Message) -> Outcome:
    return post(place.target, headers={}, body=orjson.dumps(document(message)))


SENDER = Sender(read_address, show_address, send)
