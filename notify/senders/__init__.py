"""How messages leave, one module for each kind of place that takes them."""

from collections.abc import Mapping

from notify.senders import email, slack, teams, webhook
from notify.senders.base import Message, Outcome, Place, Result, Sender

__all__ = ["SENDERS", "Message", "Outcome", "Place", "Result", "Sender"]

SENDERS: Mapping[str, Sender] = {
    "webhook": webhook.SENDER,
    "slack": slack.SENDER,
    "teams": teams.SENDER,
    "email": email.SENDER,
}
