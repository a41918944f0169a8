"""One server and one project, as Python sees them. Starting a run never fails for want of a server; everything else raises."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from lineal import _credentials, _settings
from lineal._credentials import Target
from lineal._errors import LinealError, NotConfigured, NotDelivered
from lineal._results import Chart, History, ModelVersion, charts_of, history_of, version_of

if TYPE_CHECKING:
    from lineal._http import Transport
    from lineal._promotions import Promotion
    from lineal._run import Run

logger = logging.getLogger("lineal")

LARGEST_PAGE = 1_000


class Client:
    """Talks to `url` with `token`; by default `LINEAL_URL` and `LINEAL_TOKEN`, else the stored credentials.

    Those are read when they are needed, not when the client is made. Methods raise the errors of `lineal.errors`.
    """

    def __init__(self, url: str | None = None, token: str | None = None, project: str | None = None) -> None:
        self._url = url
        self._token = token
        self._project = project
        self._connected: Transport | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections. Runs have their own."""
        if self._connected is not None:
            self._connected.close()
            self._connected = None

    @property
    def project(self) -> str:
        return self._project or _settings.project()

    def start_run(
        self,
        experiment: str = "default",
        *,
        params: Mapping[str, Any] | None = None,
        name: str | None = None,
        tags: Mapping[str, Any] | None = None,
        parent: "Run | str | None" = None,
        description: str | None = None,
        run_id: str | None = None,
        caused_by: str | None = None,
        join: bool | None = None,
    ) -> "Run":
        """Start a run and record where it runs, from which code and with which packages. Needs no answer of the server.

        `run_id`, 32 hex digits, continues or chooses a run by its id, as after a restart of the job; by default `LINEAL_RUN_ID`
        names it. `join=True` makes this process one more writer of that run, whose end does not end it; processes with a rank
        above 0 join by themselves. `caused_by` is the id of what made it start, as the message of a trigger names it; by default
        what `LINEAL_CAUSED_BY` holds.

        Raises:
            ValueError: a name or id that no run can have.
        """
        from lineal._starting import start

        run = start(
            self._target_for_logging(),
            project=self.project,
            experiment=experiment,
            name=name,
            parent=_run_id(parent) if parent is not None else None,
            description=description,
            run_id=run_id,
            caused_by=caused_by,
            join=join,
        )
        run.log_params(params or {})
        run.set_tags(tags or {})
        return run

    def get_run(self, run: "Run | str") -> dict[str, Any]:
        """A run with its params, tags, metric summaries, inputs and seal, as the server has them. Raises NotFound."""
        found: dict[str, Any] = self._get(f"/runs/{_run_id(run)}")
        return found

    def search_runs(
        self,
        filter: str | None = None,  # noqa: A002 - what the language of searches calls it
        *,
        experiments: Sequence[str] | None = None,
        order_by: Sequence[str] | None = None,
        columns: Sequence[str] | None = None,
        lifecycle: str = "active",
        limit: int = 100,
    ) -> list[dict[str, Any]]:
        """Runs that match, at most `limit`: `metrics.auc > 0.9 AND params.family = 'boosting'`. A request per 1,000.

        Raises:
            Invalid: the filter cannot be read; the message says where.
        """
        query = {"filter": filter, "experiments": experiments, "order_by": order_by, "columns": columns}
        body = {key: value if isinstance(value, str) else list(value) for key, value in query.items() if value}
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while len(found) < limit:
            page = {"lifecycle": lifecycle, "limit": min(limit - len(found), LARGEST_PAGE)}
            answer = self._post("/runs/search", {**body, **page, **({"cursor": cursor} if cursor else {})}, safe=True)
            found += answer["items"]
            cursor = answer.get("next_cursor")
            if not cursor or not answer["items"]:
                break
        return found

    def history(self, run: "Run | str", key: str, *, numpy: bool = False) -> History:
        """Every point of one metric, exactly as logged, as arrays of the standard library, or of numpy. One request.

        Raises:
            NotFound: the run has no such metric.
        """
        import msgspec

        answer = self._call("GET", f"/runs/{_run_id(run)}/series/raw", params={"key": key})
        columns = msgspec.msgpack.decode(answer.body).get(key)
        if columns is None:
            raise LinealError(f"run {_run_id(run)} has no metric {key!r}")
        return history_of(columns, numpy=numpy)

    def charts(
        self,
        runs: "Sequence[Run | str]",
        keys: Sequence[str],
        *,
        max_points: int = 1_000,
        since: Mapping[str, Mapping[str, int]] | None = None,
        numpy: bool = False,
    ) -> dict[str, dict[str, Chart]]:
        """Metrics of many runs side by side, by run id and key, each thinned to `max_points` with every spike kept. One request.

        `since`, by run id and key, is the `count` of earlier charts: only what arrived later is told. A metric that a run lacks
        is left out. At most 100 runs, 100 metrics and 1,000 of both together.

        Raises:
            NotFound: there is no such run.
        """
        import msgspec

        body: dict[str, Any] = {"runs": [_run_id(run) for run in runs], "keys": list(keys), "max_points": max_points}
        if since:
            body["since"] = {run: dict(counts) for run, counts in since.items()}
        answer = self._call("POST", "/series/raw/search", json=body, repeatable=True)
        return charts_of(msgspec.msgpack.decode(answer.body)["items"], numpy=numpy)

    def download_artifact(self, run: "Run | str", path: str = "", *, to: str | Path = ".") -> list[Path]:
        """Bring a file, or every file below a folder (all of the run by default), into the folder `to`; the paths here.

        Raises:
            DigestMismatch: a file arrived with other bytes than its digest names; nothing is kept of it.
            NotFound, LinealError: there is no such run, or no such file.
        """
        from lineal._downloads import Wish, below, fetch_all

        where = f"/runs/{_run_id(run)}/artifacts"
        links = {"links": "true"}
        files = self._all(where, {"prefix": path or None, "recursive": "true", **links}) or self._all(where, links)
        files = [each for each in files if not path or each["path"] == path or each["path"].startswith(f"{path}/")]
        if not files:
            raise LinealError(f"run {_run_id(run)} has no artifact {path!r}")
        wishes = [
            Wish(
                f"{where}/content",
                {"project": self.project, "path": each["path"]},
                each["sha256"],
                each["size"],
                below(Path(to), each["path"]),
                each.get("link"),
                (f"{where}/contents/search", each["path"]),
            )
            for each in files
        ]
        fetch_all(self._transport, wishes)
        return [wish.destination for wish in wishes]

    def register(
        self,
        model: str,
        run: "Run | str",
        *,
        artifact: str = "model",
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        card: Mapping[str, Any] | None = None,
        signature: Mapping[str, Any] | None = None,
    ) -> ModelVersion:
        """Register a file or folder of a run as the next version of `model`. The same bytes of the same run are the same version.

        Waits first until all that the run logged has reached the server.

        Raises:
            NotDelivered: it has not; what is missing waits in the spool.
            NotFound, Invalid, Conflict, Forbidden: as the server says.
        """
        _deliver(run)
        known = getattr(run, "signatures", {}).get(artifact)
        body = {
            "run": _run_id(run),
            "artifact": artifact,
            "description": description,
            "tags": dict(tags) if tags else None,
            "card": dict(card) if card else None,
            "signature": dict(signature) if signature else known,
        }
        given = {key: value for key, value in body.items() if value is not None}
        return version_of(self._post(f"/models/{_quoted(model)}/versions", given, safe=True))

    def get_version(self, model: str, version: int | str) -> ModelVersion:
        """A version by number or digest. Raises NotFound."""
        return version_of(self._get(f"/models/{_quoted(model)}/versions/{_quoted(version)}"))

    def download_model(self, model: str, version: int | str, *, to: str | Path) -> Path:
        """Bring the files of a version, named by number or digest, into the folder `to`, checked against its digest; the folder.

        Raises:
            DigestMismatch: the files are not what the digest names.
        """
        from hashlib import sha256

        from lineal._downloads import Wish, below, fetch_all
        from lineal._errors import DigestMismatch

        found = self.get_version(model, version)
        manifest = sorted(found.details["manifest"], key=lambda file: file["path"].encode())
        lines = "".join(f"{file['sha256']}  {file['path']}\n" for file in manifest)
        digest = f"sha256:{sha256(lines.encode()).hexdigest()}"
        named = version if isinstance(version, str) and version.startswith("sha256:") else found.digest
        if digest != named:
            raise DigestMismatch(f"the manifest of {model} {version} is {digest}, not {named}")
        where = f"/models/{_quoted(model)}/versions/{_quoted(found.number)}/files"
        wishes = [
            Wish(
                where,
                {"project": self.project, "path": file["path"]},
                file["sha256"],
                file["size"],
                below(Path(to), file["path"]),
            )
            for file in manifest
        ]
        fetch_all(self._transport, wishes)
        return Path(to)

    def load_model(self, model: str, digest: str, *, to: str | Path, allow_pickle: bool = False) -> Any:
        """Download and read a scikit-learn model that `log_model` recorded.

        Raises:
            PickleRefused: `allow_pickle` is not given. Reading a pickle runs code: allow it only for a digest you trust.
            DigestMismatch: as `download_model`.
        """
        from lineal import _models

        return _models.load(self.download_model(model, digest, to=to), digest=digest, allow_pickle=allow_pickle)

    def promote(
        self,
        model: str,
        version: str | int,
        *,
        to: str,
        reason: str,
        expect_current: str | None = None,
        idempotency_key: str | None = None,
        dry_run: bool = False,
        wait_s: float = 0.0,
    ) -> "Promotion":
        """Ask for `version` (a digest or number) to be promoted to the environment `to`; what was decided, or that people have to.

        `expect_current` is the digest that must hold the environment now, or `none`. `wait_s` waits for gates and approvals.

        Raises:
            NotPromoted: gates, people or the state of things said no; `.result` is the whole document.
            OutcomeUnknown: the answer was lost; asking again with `idempotency_key` is safe.
        """
        from lineal import _promotions

        body = {"version": version, "environment": to, "reason": reason, "dry_run": dry_run}
        if expect_current is not None:
            body["expect_current"] = expect_current
        where = f"/models/{_quoted(model)}/promotions"
        found = _promotions.ask(self._transport, where, body, project=self.project, key=idempotency_key)
        if dry_run:
            return found
        return _promotions.insist(_promotions.wait_decided(self._transport, found, project=self.project, wait_s=wait_s))

    def rollback(
        self,
        model: str,
        *,
        environment: str,
        reason: str,
        to: str | None = None,
        expect_current: str | None = None,
        idempotency_key: str | None = None,
    ) -> "Promotion":
        """Return an environment to the digest `to`, by default to its last good one. Raises as `promote`.

        `expect_current` is the digest that must hold the environment now: with it, two who roll back at once go one version
        back, and the later one is told so by NotPromoted.
        """
        from lineal import _promotions

        body = {"environment": environment, "reason": reason, **({"to": to} if to else {})}
        if expect_current is not None:
            body["expect_current"] = expect_current
        where = f"/models/{_quoted(model)}/rollbacks"
        return _promotions.insist(
            _promotions.ask(self._transport, where, body, project=self.project, key=idempotency_key)
        )

    def approve(self, promotion: "Promotion | str", *, reason: str, digest: str | None = None) -> "Promotion":
        """Approve a waiting promotion; how it stands then. `digest` is what you looked at, and must be what is promoted."""
        return self._decide(promotion, "approve", reason, digest)

    def refuse(self, promotion: "Promotion | str", *, reason: str, digest: str | None = None) -> "Promotion":
        """Refuse a waiting promotion; how it stands then."""
        return self._decide(promotion, "refuse", reason, digest)

    def _decide(self, promotion: "Promotion | str", decision: str, reason: str, digest: str | None) -> "Promotion":
        from lineal._promotions import promotion_of

        number = promotion if isinstance(promotion, str) else promotion.id
        body = {"decision": decision, "reason": reason, **({"digest": digest} if digest else {})}
        return promotion_of(self._post(f"/promotions/{_quoted(number)}/approvals", body))

    def report_deployment(
        self,
        model: str,
        version: str | int,
        *,
        environment: str,
        target: str,
        image_digest: str | None = None,
        traffic_share: float | None = None,
    ) -> dict[str, Any]:
        """Record what really runs at `target`. `matches_slot` in the answer says whether it is what was promoted there."""
        body = {
            "model": model,
            "version": version,
            "environment": environment,
            "target": target,
            "image_digest": image_digest,
            "traffic_share": traffic_share,
        }
        given = {key: value for key, value in body.items() if value is not None}
        found: dict[str, Any] = self._post("/deployments", given, safe=True)
        return found

    def trace(self, of: str, *, max_nodes: int | None = None) -> dict[str, Any]:
        """From `run:…`, `model:name@production`, `deployment:…` back to data and code: nodes and edges."""
        found: dict[str, Any] = self._get("/lineage/trace", of=of, max_nodes=max_nodes)
        return found

    def impact(self, of: str, *, max_nodes: int | None = None) -> dict[str, Any]:
        """From `dataset:…`, `git:…` or `run:…` forward to what stands on it: nodes and edges."""
        found: dict[str, Any] = self._get("/lineage/impact", of=of, max_nodes=max_nodes)
        return found

    @property
    def _transport(self) -> "Transport":
        if self._connected is None:
            from lineal._http import Transport

            self._connected = Transport(_credentials.get_target(self._url, self._token))
        return self._connected

    def _target_for_logging(self) -> Target | None:
        try:
            target = _credentials.find_target(self._url, self._token)
        except NotConfigured as exc:
            logger.warning("%s. Runs are recorded in %s until `lineal sync` can send them", exc, _settings.spool_dir())
            return None
        if target is None:
            logger.warning(
                "no server is configured (LINEAL_URL, or `lineal login`): runs are recorded in %s until `lineal sync` sends them",
                _settings.spool_dir(),
            )
        return target

    def _call(self, method: str, path: str, *, params: Mapping[str, Any] | None = None, **options: Any) -> Any:
        from lineal._http import call

        return call(self._transport, method, path, params={"project": self.project, **(params or {})}, **options)

    def _get(self, path: str, **params: Any) -> Any:
        return self._call("GET", path, params=params).json()

    def _post(self, path: str, body: Mapping[str, Any], *, safe: bool = False) -> Any:
        """`safe`: a lost answer may be asked for again."""
        return self._call("POST", path, json=dict(body), repeatable=safe).json()

    def _all(self, path: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = self._get(path, **params, limit=LARGEST_PAGE, cursor=cursor)
            found += page["items"]
            cursor = page.get("next_cursor")
            if not cursor:
                return found


def _quoted(part: object) -> str:
    return quote(str(part), safe="")


def _run_id(run: "Run | str") -> str:
    from lineal._ids import parse_run_id

    return parse_run_id(run) if isinstance(run, str) else run.id


def _deliver(run: "Run | str") -> None:
    if isinstance(run, str) or run.flush():
        return
    raise NotDelivered(
        f"run {run.id} has records that did not reach the server ({run.why_not_delivered}); they wait in the spool"
    )
