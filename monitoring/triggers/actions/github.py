"""GitHub: a `repository_dispatch` event, which starts the workflows that listen for its type.

POST /repos/{owner}/{repo}/dispatches answers 204 without a body. `client_payload` has at most ten keys.
"""

import re
from typing import Any

from core.outbound import Answer
from monitoring.triggers.actions.base import Action, Message, Send, Target, json_body, token
from registry.gates.fields import Fields

REPOSITORY = re.compile(r"[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}", re.ASCII)
API_VERSION = "2022-11-28"


def read_settings(fields: Fields) -> dict[str, Any]:
    return {
        "repository": fields.text("repository", check=_repository),
        "event_type": fields.text("event_type", default="lineal", longest=100),
    }


def _repository(text: str) -> str:
    if not REPOSITORY.fullmatch(text) or text.rpartition("/")[2] in {".", ".."}:
        raise ValueError("Expected a repository as owner/name.")
    return text


def perform(target: Target, message: Message, send: Send) -> Answer:
    headers = {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {target.credentials['token']}",
        "Content-Type": "application/json",
        "X-GitHub-Api-Version": API_VERSION,
    }
    body = {"event_type": target.settings["event_type"], "client_payload": message.payload}
    url = f"{target.address}/repos/{target.settings['repository']}/dispatches"
    return send("POST", url, headers=headers, body=json_body(body))


ACTION = Action("https://api.github.com", read_settings, token, perform)
