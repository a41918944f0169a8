"""A plain webhook: the payload as JSON, signed as Standard Webhooks 1.0 has it, with the firing's id as the message's."""

from typing import Any

from core.outbound import Answer
from core.signatures import check_secret, sign
from monitoring.triggers.actions.base import Action, Message, Send, Target, json_body, nothing
from registry.gates.fields import Fields


def read_credentials(fields: Fields) -> dict[str, Any]:
    return {"secret": fields.text("secret", longest=200, check=check_secret)}


def perform(target: Target, message: Message, send: Send) -> Answer:
    document = {"type": "trigger.fired", "timestamp": message.payload["cause"]["at"], "data": message.payload}
    body = json_body(document)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message.id,
        "webhook-timestamp": str(message.timestamp_s),
        "webhook-signature": sign(
            target.credentials["secret"], message_id=message.id, timestamp=message.timestamp_s, body=body
        ),
    }
    return send("POST", target.address, headers=headers, body=body)


ACTION = Action("", nothing, read_credentials, perform, secret_is_sent=False)
