"""Airflow: a run of a DAG, with the payload as its `conf`. REST v1 is Airflow 2's, v2 is Airflow 3's.

POST /api/v1/dags/{dag}/dagRuns answers 200 and takes Basic or Bearer authentication. POST /api/v2/dags/{dag}/dagRuns wants
`logical_date`, which may be null, and takes the token that POST /auth/token gives for a name and a password (201). The
run's id is made of the firing's, so that what was started already answers 409 when it is asked for again.
"""

from base64 import b64encode
from typing import Any

import orjson

from core.outbound import Answer
from monitoring.triggers.actions.base import (
    CREDENTIAL_LENGTH,
    Action,
    Message,
    Send,
    Target,
    json_body,
    segment,
    token,
)
from registry.gates.fields import Fields

VERSIONS = ("v1", "v2")
JSON = {"Content-Type": "application/json", "Accept": "application/json"}


def read_settings(fields: Fields) -> dict[str, Any]:
    return {"dag": fields.text("dag", longest=250), "api": fields.choice("api", VERSIONS, default="v2")}


def read_credentials(fields: Fields) -> dict[str, Any]:
    """A `token`, or a `username` with its `password`."""
    username = fields.optional_text("username")
    if username is None:
        return token(fields)
    if ":" in username or not username.isprintable():  # Basic authentication ends the name with it (RFC 7617, 2)
        fields.refuse("username", "Expected printable characters, and no ':' among them.")
    return {"username": username, "password": fields.text("password", longest=CREDENTIAL_LENGTH, check=_password)}


def _password(text: str) -> str:
    if not text.isprintable():
        raise ValueError("Expected printable characters.")
    return text


def perform(target: Target, message: Message, send: Send) -> Answer:
    """The answer of Airflow to the run; to the sign-in, if that is refused."""
    api = target.settings["api"]
    if "token" in target.credentials:
        authorization = f"Bearer {target.credentials['token']}"
    elif api == "v1":
        authorization = f"Basic {_basic(target)}"
    else:
        answer = _sign_in(target, send)
        if not answer.is_success:
            return answer
        authorization = f"Bearer {_access_token(answer)}"
    body: dict[str, Any] = {"dag_run_id": f"lineal__{message.id}", "conf": message.payload}
    if api == "v2":
        body["logical_date"] = None
    url = f"{target.address}/api/{api}/dags/{segment(target.settings['dag'])}/dagRuns"
    return send("POST", url, headers={**JSON, "Authorization": authorization}, body=json_body(body))


def is_done(answer: Answer) -> bool:
    return answer.is_success or answer.status == 409


def _basic(target: Target) -> str:
    return b64encode(f"{target.credentials['username']}:{target.credentials['password']}".encode()).decode()


def _sign_in(target: Target, send: Send) -> Answer:
    body = {"username": target.credentials["username"], "password": target.credentials["password"]}
    return send("POST", f"{target.address}/auth/token", headers=JSON, body=json_body(body))


def _access_token(answer: Answer) -> str:
    """Empty where the answer is none that Airflow gives; the request that follows is then refused."""
    try:
        document = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return ""
    found = document.get("access_token") if isinstance(document, dict) else None
    return found if isinstance(found, str) and found.isascii() and found.isprintable() else ""


ACTION = Action("", read_settings, read_credentials, perform, is_done)
