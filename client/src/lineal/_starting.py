"""The start of a run: where it runs, from which code, in which environment, and the sender that takes all that to the server."""

import functools
import getpass
import logging
import platform
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from lineal import _credentials, _entrypoint, _environment, _git, _ids, _notebooks, _ranks, _settings, _signals
from lineal._credentials import Target
from lineal._errors import NotConfigured
from lineal._http import Transport
from lineal._notices import Notices
from lineal._packing import Tags
from lineal._run import Run
from lineal._sender import Sender
from lineal._spool import Header
from lineal._values import text

logger = logging.getLogger("lineal")

NAME_LENGTH = 250
DESCRIPTION_LENGTH = 20_000
LOCK_LENGTH = 2_000_000


def start(
    target: Target | None,
    *,
    project: str,
    experiment: str,
    name: str | None,
    parent: str | None,
    description: str | None,
    run_id: str | None,
    caused_by: str | None,
    join: bool | None = None,
) -> Run:
    """A run whose first record is in the spool. Costs some 20-100 ms for git and packages, and no answer of the server.

    Raises:
        ValueError: the experiment, name or an id is nothing that a run can have, or there is no id to join.
    """
    run_id = run_id or (_ranks.shared_run_id(project) if parent is None else None)
    joins = _joins(join, run_id)
    body = _body(experiment, name, parent, description, run_id) | _cause(caused_by)
    header = Header(
        base_url=target.base_url if target else "",
        project=project,
        run=body["id"],
        writer=uuid4().hex,
        experiment=experiment,
        owner=not joins,
    )
    sender = Sender(header, body, _transport_maker(target), Notices(), resume=run_id is not None and not joins)
    sender.start()
    tags = {} if joins else _ranks.job_tags()
    if tags:
        sender.put(Tags(dict(tags)))
    run = Run(sender, experiment=experiment, name=name, url=_page(target, project, body["id"]))
    if not joins:
        _signals.watch()
        _notebooks.begin(run)
    return run


def _joins(join: bool | None, run_id: str | None) -> bool:
    """As told; otherwise every rank but the first joins the run that they share."""
    if join and run_id is None:
        raise ValueError("a run is joined by its id: give run_id, or set LINEAL_RUN_ID")
    if join is not None:
        return join
    rank = _ranks.rank()
    if rank is None:
        return False
    if run_id is None and _ranks.is_lonely():
        logger.warning(
            "rank %d of %d starts a run of its own; to have all write one run, set LINEAL_RUN_ID to the same text for all of them",
            rank.number,
            rank.size,
        )
    return run_id is not None and rank.number > 0


def rejoin(base_url: str, project: str, experiment: str, name: str | None, create: dict[str, Any]) -> Run:
    """A run that another process handed over, by pickling it: one more writer of it, which nothing is sent of until it logs.

    The token does not travel with it: this process has to find its own, in the environment or the credentials file.
    """
    try:
        target = _credentials.stored_target(base_url) if base_url else None
    except NotConfigured as exc:
        logger.warning("%s: what this process logs waits in the spool", exc)
        target = None
    header = Header(base_url, project, create["id"], uuid4().hex, experiment, owner=False)
    sender = Sender(header, create, _transport_maker(target), Notices())
    return Run(sender, experiment=experiment, name=name, url=_page(target, project, create["id"]))


def _transport_maker(target: Target | None) -> Callable[[], Transport | None]:
    return lambda: Transport(target) if target is not None else None


def _page(target: Target | None, project: str, run: str) -> str | None:
    from urllib.parse import quote

    return f"{target.base_url}/projects/{quote(project, safe='')}/runs/{run}" if target else None


def _body(
    experiment: str, name: str | None, parent: str | None, description: str | None, run_id: str | None
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": _ids.parse_run_id(run_id) if run_id else _ids.uuid7_hex(),
        "experiment": _checked_name("experiment", experiment),
        "started_at": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
    } | _origin()
    if name:
        body["name"] = _checked_name("name", name)
    if parent:
        body["parent"] = _ids.parse_run_id(parent)
    if description:
        body["description"] = text(description)[:DESCRIPTION_LENGTH]
    return body


def _origin() -> dict[str, Any]:
    """Where the run's code is and what it runs on, as far as the user lets it be recorded."""
    wanted = _settings.recorded()
    found: dict[str, Any] = {}
    if "host" in wanted:
        found |= {"host": text(platform.node())[:255], "user": _user()}
    if "command" in wanted:
        found["entry_point"] = text(_entrypoint.capture())
    if "environment" in wanted and (environment := _captured_environment()):
        found["environment"] = environment
    if "code" in wanted and (code := _captured_code()):
        found["code"] = code if "diff" in wanted else code | {"diff": None}
    return found


def _cause(caused_by: str | None) -> dict[str, Any]:
    """The cause as given, or as the environment has it. What a job was started with by mistake stops no training."""
    if caused_by is not None:
        return {"caused_by": _ids.parse_cause_id(caused_by)}
    from_environment = _settings.caused_by()
    try:
        return {"caused_by": _ids.parse_cause_id(from_environment)} if from_environment else {}
    except ValueError as exc:
        logger.warning("LINEAL_CAUSED_BY is not recorded: %s", exc)
        return {}


def _checked_name(field: str, value: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= NAME_LENGTH or not value.isprintable():
        raise ValueError(f"{field} is a text of 1 to {NAME_LENGTH} printable characters, not {value!r:.100}")
    return value


def _user() -> str:
    try:
        return text(getpass.getuser())[:255]
    except (OSError, KeyError, ImportError):  # a container's user without a name
        return ""


@functools.cache
def _captured_environment() -> dict[str, Any] | None:
    """Once in each process: what is installed does not change under a running job."""
    try:
        found = _environment.capture()
    except Exception as exc:  # noqa: BLE001 - broken metadata of some package stops no training job
        logger.warning("the environment is not recorded: %s", exc)
        return None
    found["python"], found["platform"] = text(found["python"])[:64], text(found["platform"])[:200]
    if len(found["lock"]) > LOCK_LENGTH:
        del found["lock"]
    return found


def _captured_code() -> dict[str, Any] | None:
    try:
        code = _git.capture(_entrypoint.code_folder())
    except Exception as exc:  # noqa: BLE001 - as above
        logger.warning("the code's state is not recorded: %s", exc)
        return None
    if code is None:
        return None
    where = {} if code["folder"] is None else {"folder": text(code["folder"])[:1000]}
    return where | {
        "untracked": code["untracked"],
        "repository": text(code["repository"])[:1000],
        "commit": code["commit"],
        "branch": text(code["branch"])[:255],
        "dirty": code["dirty"],
        "diff": text(code["diff"]) if code["diff"] else None,
    }
