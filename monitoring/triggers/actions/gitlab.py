"""GitLab: a pipeline by its trigger token, with the cause in variables, which jobs see in their environment.

POST /api/v4/projects/{id}/trigger/pipeline takes a form and answers 201 with the pipeline. The token is sent in the body,
where no access log keeps it.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from core.outbound import Answer
from monitoring.triggers.actions.base import Action, Message, Send, Target, segment, token
from registry.gates.fields import Fields


def read_settings(fields: Fields) -> dict[str, Any]:
    return {
        "project": fields.text("project", longest=250),  # its number, or its path as group/project
        "ref": fields.text("ref", default="main", longest=250),
    }


def perform(target: Target, message: Message, send: Send) -> Answer:
    form = {"token": target.credentials["token"], "ref": target.settings["ref"]}
    form |= {f"variables[{name}]": value for name, value in variables(message).items()}
    url = f"{target.address}/api/v4/projects/{segment(target.settings['project'])}/trigger/pipeline"
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    return send("POST", url, headers=headers, body=urlencode(form).encode())


def variables(message: Message) -> Mapping[str, str]:
    """LINEAL_CAUSED_BY is read by the client by itself; the others are for the job to look at."""
    payload = message.payload
    version, dataset = payload["version"] or {}, payload["dataset"] or {}
    return {
        "LINEAL_CAUSED_BY": message.id,
        "LINEAL_CAUSE_TYPE": payload["cause"]["type"],
        "LINEAL_CAUSE_LABEL": payload["cause"]["label"],
        "LINEAL_CAUSE_URL": payload["links"]["cause"],
        "LINEAL_CAUSE_PROJECT": payload["project"],
        "LINEAL_CAUSE_MODEL": payload["model"] or "",
        "LINEAL_CAUSE_DIGEST": version.get("digest") or dataset.get("digest") or "",
        "LINEAL_CAUSE_ENVIRONMENT": payload["environment"] or "",
        "LINEAL_CAUSE_DATASET": dataset.get("name") or "",
    }


ACTION = Action("https://gitlab.com", read_settings, token, perform)
