"""Slack's incoming webhooks: a header, the text, where it comes from, and a button. Mattermost and others take the same.

What was logged may hold anything: the three signs that Slack reads as markup are escaped, so no name rings a channel
(`<!channel>`) or passes for a link.
"""

from typing import Any

import orjson

from notify.senders.base import Message, Outcome, Place, Sender
from notify.senders.http import post, read_address, show_address

HEADER_LENGTH = 150
TEXT_LENGTH = 2_900  # Slack takes 3,000, escapes counted
SIGNS = {"info": ":information_source:", "warn": ":warning:", "critical": ":rotating_light:"}


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def document(message: Message) -> dict[str, Any]:
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": cut(message.title, HEADER_LENGTH), "emoji": False}}
    ]
    if message.text:
        text = {"type": "plain_text", "text": cut(message.text, TEXT_LENGTH), "emoji": False}
        blocks.append({"type": "section", "text": text})
    origin = f"{SIGNS[message.severity]} {message.severity} · {message.event} · {escape(message.project)}"
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": origin}]})
    if message.link:
        button = {"type": "button", "text": {"type": "plain_text", "text": "Open in Lineal"}, "url": message.link}
        blocks.append({"type": "actions", "elements": [button]})
    return {"text": escape(cut(message.title, HEADER_LENGTH)), "blocks": blocks}


def send(place: Place, message: Message) -> Outcome:
    return post(place.target, headers={}, body=orjson.dumps(document(message)))


SENDER = Sender(read_address, show_address, send)
