"""Who may do what, as one list: every REST route by verb, with what it needs. `test_matrix` tries each with every kind of caller.

A room adds its routes to `ROUTES` and its name to `COVERED_ROOMS`; from then on a route of that room that is missing here
fails a test. `prepare` makes the objects that a path or body names; it is given the world and the caller.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from core.access import Permission, Role
from tests.security import monitoring_world as watched
from tests.security import notify_world as told
from tests.security import registry_world as things
from tests.security import retention_world as kept
from tests.security import tracking_world as logged


class Needs(StrEnum):
    """What a route asks for where no permission in a project does."""

    SIGNED_IN = "signed in"
    SERVER_ADMIN = "server admin"


@dataclass(frozen=True)
class Route:
    """`path` and the strings of `body` name things of the world in braces; `{project}` is the project that members share."""

    verb: str
    path: str
    needs: Permission | Needs
    ok: int = 200
    body: Any = None
    prepare: Callable[["World", Any], Mapping[str, str]] | None = None
    scope: str | None = None  # what a token needs where `needs` is no permission
    hidden_from: tuple[str, ...] = ()  # callers who may not know of the object that the path or body names
    content_type: str | None = None
    raw: bytes | None = None

    def __str__(self) -> str:
        return f"{self.verb} {self.path}"

    @property
    def shape(self) -> str:
        """The verb and the path with `{}` for each of its parts that vary, as the URL map's shapes are written."""
        return f"{self.verb} {re.sub(r'{[^}]*}', '{}', self.path.partition('?')[0])}"


@dataclass
class World:
    """A project with a member of each role, a stranger, and an administrator of the server."""

    project: Any
    people: dict[str, Any]
    make_token: Callable[..., str]
    names: dict[str, str] = field(default_factory=dict)


ROLE_OF = {
    "viewer": Role.VIEWER,
    "contributor": Role.CONTRIBUTOR,
    "approver": Role.APPROVER,
    "maintainer": Role.MAINTAINER,
    "admin": Role.ADMIN,
}
CALLERS = (
    "anonymous",
    "stranger",
    *ROLE_OF,
    "server admin",
    "admin without the scope",  # a token of the administrator's that lacks just the scope that the route needs
    "admin elsewhere",  # a token of the administrator's that is bound to another project
)


STRANGERS = ("stranger", "admin elsewhere")


def _own_token(world: World, caller: Any) -> Mapping[str, str]:
    from accounts.models import Token

    world.make_token(caller)
    return {"token": str(Token.objects.filter(account__uuid=caller.id).latest("id").uuid)}


def _deactivated(world: World, caller: Any) -> Mapping[str, str]:
    from accounts import services
    from accounts.models import Account
    from core.access import system_principal

    for name in ("bob", "robot"):
        services.deactivate_account(account=Account.objects.get(name=name), actor=system_principal("tests"))
    return {}


ACCOUNTS = [
    Route("GET", "/api/v1/me", Needs.SIGNED_IN),
    Route("GET", "/api/v1/projects", Needs.SIGNED_IN),
    Route("POST", "/api/v1/projects", Needs.SERVER_ADMIN, ok=201, body={"name": "made-by-matrix"}),
    Route("GET", "/api/v1/projects/{project}", Permission.PROJECT_READ),
    Route("PATCH", "/api/v1/projects/{project}", Permission.MEMBER_WRITE, body={"description": "anew"}),
    Route("GET", "/api/v1/projects/{project}/members", Permission.PROJECT_READ),
    Route("PUT", "/api/v1/projects/{project}/members/{member}", Permission.MEMBER_WRITE, body={"role": "viewer"}),
    Route("DELETE", "/api/v1/projects/{project}/members/{member}", Permission.MEMBER_WRITE, ok=204),
    Route("GET", "/api/v1/users", Needs.SIGNED_IN),
    Route("POST", "/api/v1/users", Needs.SERVER_ADMIN, ok=201, body={"name": "made-by-matrix"}),
    Route("GET", "/api/v1/users/{member}", Needs.SIGNED_IN, hidden_from=STRANGERS),
    Route("PATCH", "/api/v1/users/{member}", Needs.SERVER_ADMIN, body={"display_name": "Anew"}, hidden_from=STRANGERS),
    Route("POST", "/api/v1/users/{member}/deactivate", Needs.SERVER_ADMIN, body={}, hidden_from=STRANGERS),
    Route(
        "POST",
        "/api/v1/users/{member}/reactivate",
        Needs.SERVER_ADMIN,
        body={},
        hidden_from=STRANGERS,
        prepare=_deactivated,
    ),
    Route("GET", "/api/v1/service-accounts", Needs.SIGNED_IN),
    Route("POST", "/api/v1/service-accounts", Needs.SERVER_ADMIN, ok=201, body={"name": "made-by-matrix"}),
    Route("GET", "/api/v1/service-accounts/{service}", Needs.SIGNED_IN, hidden_from=STRANGERS),
    Route(
        "PATCH",
        "/api/v1/service-accounts/{service}",
        Needs.SERVER_ADMIN,
        body={"display_name": "Anew"},
        hidden_from=STRANGERS,
    ),
    Route("POST", "/api/v1/service-accounts/{service}/deactivate", Needs.SERVER_ADMIN, body={}, hidden_from=STRANGERS),
    Route(
        "POST",
        "/api/v1/service-accounts/{service}/reactivate",
        Needs.SERVER_ADMIN,
        body={},
        hidden_from=STRANGERS,
        prepare=_deactivated,
    ),
    Route("GET", "/api/v1/tokens", Needs.SIGNED_IN, scope="read"),
    Route("POST", "/api/v1/tokens", Needs.SIGNED_IN, ok=201, body={"name": "x", "scopes": ["log"]}, scope="manage"),
    Route(
        "POST",
        "/api/v1/tokens",
        Needs.SERVER_ADMIN,
        ok=201,
        body={"name": "x", "scopes": ["log"], "account": "{service}"},
        hidden_from=STRANGERS,
    ),
    Route(
        "GET",
        "/api/v1/tokens/{token}",
        Needs.SIGNED_IN,
        prepare=_own_token,
        scope="read",
        hidden_from=("admin elsewhere",),
    ),
    Route(
        "DELETE",
        "/api/v1/tokens/{token}",
        Needs.SIGNED_IN,
        ok=204,
        prepare=_own_token,
        scope="manage",
        hidden_from=("admin elsewhere",),
    ),
    Route("POST", "/api/v1/login-links", Needs.SIGNED_IN, ok=201, body={}, scope="*"),
    Route(
        "POST", "/api/v1/login-links", Needs.SERVER_ADMIN, ok=201, body={"account": "{member}"}, hidden_from=STRANGERS
    ),
]

P = "?project={project}"
READ = Permission.PROJECT_READ
WRITE = Permission.MODEL_WRITE
WHY = {"reason": "because"}
GATES = {"gate": [{"id": "bytes", "kind": "integrity"}]}
MODEL, VERSION = "/api/v1/models/{model}", "/api/v1/models/{model}/versions/{version}"
PROMOTION, DEPLOYMENT = "/api/v1/promotions/{promotion}", "/api/v1/deployments/{deployment}"

REGISTRY = [
    Route("GET", f"/api/v1/models{P}", READ),
    Route("POST", f"/api/v1/models{P}", WRITE, ok=201, body={"name": "made-by-matrix"}),
    Route("GET", MODEL + P, READ, prepare=things.a_version),
    Route("PATCH", MODEL + P, WRITE, body={"description": "anew"}, prepare=things.a_version),
    Route("GET", f"{MODEL}/versions{P}", READ, prepare=things.a_version),
    Route(
        "POST",
        f"{MODEL}/versions{P}",
        WRITE,
        ok=201,
        body={"run": "{run}", "artifact": "model.bin"},
        prepare=things.a_run,
    ),
    Route("GET", VERSION + P, READ, prepare=things.a_version),
    Route("PATCH", VERSION + P, WRITE, body={"description": "anew"}, prepare=things.a_version),
    Route("GET", f"{VERSION}/manifest{P}", READ, prepare=things.a_version),
    Route("GET", f"{VERSION}/files{P}&path=model.bin", READ, prepare=things.a_stored_version),
    Route("POST", f"{VERSION}/retire{P}", WRITE, body=WHY, prepare=things.a_version),
    Route("POST", f"{VERSION}/delete{P}", WRITE, body={}, prepare=kept.an_own_version),
    Route("POST", f"{VERSION}/delete{P}", Permission.RUN_DELETE, body={}, prepare=kept.anothers_version),
    Route("POST", f"{VERSION}/restore{P}", WRITE, body={}, prepare=kept.an_own_deleted_version),
    Route("POST", f"{VERSION}/restore{P}", Permission.RUN_DELETE, body={}, prepare=kept.a_deleted_version),
    Route("POST", f"{VERSION}/purge{P}", Permission.PURGE, body=WHY, prepare=kept.a_deleted_version),
    Route("POST", f"{MODEL}/delete{P}", Permission.RUN_DELETE, body={}, prepare=kept.a_model),
    Route("POST", f"{MODEL}/restore{P}", Permission.RUN_DELETE, body={}, prepare=kept.a_deleted_model),
    Route("POST", f"{MODEL}/purge{P}", Permission.PURGE, body=WHY, prepare=kept.a_deleted_model),
    Route("POST", f"{VERSION}/quarantine{P}", Permission.PROMOTION_APPROVE, body=WHY, prepare=things.a_version),
    Route("GET", f"{MODEL}/aliases{P}", READ, prepare=things.an_alias),
    Route("GET", f"{MODEL}/aliases/{{alias}}{P}", READ, prepare=things.an_alias),
    Route("PUT", f"{MODEL}/aliases/{{alias}}{P}", WRITE, body={"version": 1}, prepare=things.a_version),
    Route("DELETE", f"{MODEL}/aliases/{{alias}}{P}", WRITE, ok=204, prepare=things.an_alias),
    Route("GET", f"{MODEL}/aliases/{{alias}}/history{P}", READ, prepare=things.an_alias),
    Route("GET", f"{MODEL}/environments{P}", READ, prepare=things.a_version),
    Route("GET", f"{MODEL}/environments/{{environment}}/history{P}", READ, prepare=things.a_version),
    Route(
        "POST",
        f"{MODEL}/promotions{P}",
        Permission.PROMOTION_REQUEST,
        ok=201,
        body={"version": "{digest}", "environment": "production"} | WHY,
        prepare=things.a_version,
    ),
    Route(
        "POST",
        f"{MODEL}/rollbacks{P}",
        Permission.PROMOTION_APPROVE,
        ok=201,
        body={"environment": "production"} | WHY,
        prepare=things.two_promotions,
    ),
    Route("GET", f"/api/v1/environments{P}", READ),
    Route(
        "POST",
        f"/api/v1/environments{P}",
        Permission.POLICY_WRITE,
        ok=201,
        body={"name": "made-by-matrix", "position": 9},
    ),
    Route("GET", f"/api/v1/environments/{{environment}}{P}", READ, prepare=things.nothing),
    Route(
        "PUT",
        f"/api/v1/environments/{{environment}}/policy{P}",
        Permission.POLICY_WRITE,
        body={"policy": "gates"} | WHY,
        prepare=things.a_policy,
    ),
    Route("GET", f"/api/v1/policies{P}", READ, prepare=things.a_policy),
    Route("POST", f"/api/v1/policies{P}", Permission.POLICY_WRITE, ok=201, body={"name": "new", "document": GATES}),
    Route("GET", f"/api/v1/policies/{{policy}}{P}", READ, prepare=things.a_policy),
    Route("PUT", f"/api/v1/policies/{{policy}}{P}", Permission.POLICY_WRITE, body=GATES, prepare=things.a_policy),
    Route("GET", f"/api/v1/policies/{{policy}}/revisions{P}", READ, prepare=things.a_policy),
    Route("GET", f"/api/v1/promotions{P}", READ, prepare=things.a_waiting_promotion),
    Route("GET", PROMOTION + P, READ, prepare=things.a_waiting_promotion),
    Route(
        "POST",
        f"{PROMOTION}/approvals{P}",
        Permission.PROMOTION_APPROVE,
        body={"decision": "approve"} | WHY,
        prepare=things.a_waiting_promotion,
    ),
    Route("POST", f"{PROMOTION}/cancel{P}", Permission.PROMOTION_REQUEST, body=WHY, prepare=things.an_own_promotion),
    Route("GET", f"/api/v1/deployments{P}", READ, prepare=things.a_deployment),
    Route(
        "POST",
        f"/api/v1/deployments{P}",
        Permission.DEPLOYMENT_REPORT,
        ok=201,
        body={"model": "fraud", "version": 1, "environment": "production", "target": "eu-1"},
        prepare=things.a_version,
    ),
    Route("GET", DEPLOYMENT + P, READ, prepare=things.a_deployment),
    Route("POST", f"{DEPLOYMENT}/end{P}", Permission.DEPLOYMENT_REPORT, body=WHY, prepare=things.a_deployment),
    Route("GET", "/api/v1/receipts/key", Needs.SIGNED_IN, prepare=things.a_receipt),
    Route("GET", f"/api/v1/receipts/{{receipt}}{P}", READ, prepare=things.a_receipt),
]
LINEAGE = [
    Route("GET", f"/api/v1/lineage/trace{P}&of=model:fraud", READ, prepare=things.a_version),
    Route("GET", f"/api/v1/lineage/impact{P}&of=model:fraud", READ, prepare=things.a_version),
]

LOG = Permission.RUN_WRITE
CHARTS = {"runs": ["{run}"], "keys": ["loss"]}
VIEW = "/api/v1/views/{view}"
RUN, EXPERIMENT, DATASET = "/api/v1/runs/{run}", "/api/v1/experiments/{experiment}", "/api/v1/datasets/{dataset}"
TRACKING = [
    Route("GET", f"/api/v1/experiments{P}", READ, prepare=logged.a_run),
    Route("POST", f"/api/v1/experiments{P}", LOG, ok=201, body={"name": "made-by-matrix"}),
    Route("GET", EXPERIMENT + P, READ, prepare=logged.a_run),
    Route("PATCH", EXPERIMENT + P, LOG, body={"description": "anew"}, prepare=logged.a_run),
    Route("DELETE", EXPERIMENT + P, Permission.RUN_DELETE, ok=204, prepare=logged.a_run),
    Route("POST", f"{EXPERIMENT}/purge{P}", Permission.PURGE, ok=204, body=WHY, prepare=kept.a_deleted_experiment),
    Route("POST", f"{EXPERIMENT}/restore{P}", Permission.RUN_DELETE, prepare=logged.a_deleted_experiment),
    Route(
        "POST",
        f"/api/v1/runs{P}",
        LOG,
        ok=201,
        body={"id": "{run}", "experiment": "churn"},
        prepare=logged.a_new_id,
    ),
    Route("POST", f"/api/v1/runs/search{P}", READ, body={"filter": "metrics.loss < 1"}, prepare=logged.a_run),
    Route("POST", f"/api/v1/runs/count{P}", READ, body={}, prepare=logged.a_run),
    Route("GET", f"/api/v1/runs/completions{P}&q=metrics.", READ, prepare=logged.a_run),
    Route("GET", f"/api/v1/runs/export{P}&format=json", READ, prepare=logged.a_run),
    Route("GET", f"/api/v1/views{P}", READ, prepare=logged.a_view),
    Route("POST", f"/api/v1/views{P}", LOG, ok=201, body={"name": "made-by-matrix"}),
    Route("GET", VIEW + P, READ, prepare=logged.a_view),
    Route("PATCH", VIEW + P, LOG, body={"name": "anew"}, prepare=logged.an_own_view),
    Route("PATCH", VIEW + P, Permission.RUN_DELETE, body={"name": "anew"}, prepare=logged.anothers_view),
    Route("DELETE", VIEW + P, LOG, ok=204, prepare=logged.an_own_view),
    Route("DELETE", VIEW + P, Permission.RUN_DELETE, ok=204, prepare=logged.anothers_view),
    Route("GET", RUN + P, READ, prepare=logged.a_run),
    Route("GET", f"{RUN}/recipe{P}", READ, prepare=logged.a_run),
    Route("GET", f"{RUN}/diff{P}", READ, prepare=logged.a_run),
    Route("GET", f"{RUN}/lock{P}", READ, prepare=logged.a_run),
    Route("PATCH", RUN + P, LOG, body={"name": "anew"}, prepare=logged.a_run),
    Route("DELETE", RUN + P, LOG, ok=204, prepare=logged.an_own_run),
    Route("DELETE", RUN + P, Permission.RUN_DELETE, ok=204, prepare=logged.anothers_run),
    Route("POST", f"{RUN}/archive{P}", LOG, body={}, prepare=logged.an_own_run),
    Route("POST", f"{RUN}/archive{P}", Permission.RUN_DELETE, body={}, prepare=logged.anothers_run),
    Route("POST", f"{RUN}/delete{P}", LOG, body={}, prepare=logged.an_own_run),
    Route("POST", f"{RUN}/delete{P}", Permission.RUN_DELETE, body={}, prepare=logged.anothers_run),
    Route("POST", f"{RUN}/purge{P}", Permission.PURGE, body=WHY, prepare=kept.a_deleted_run),
    Route("POST", f"{RUN}/restore{P}", LOG, body={}, prepare=logged.an_own_archived_run),
    Route("POST", f"{RUN}/resume{P}", LOG, body={}, prepare=logged.an_ended_run),
    Route("POST", f"{RUN}/finish{P}", LOG, body={"status": "finished"}, prepare=logged.a_run),
    Route("POST", f"{RUN}/batches{P}", LOG, body=logged.BATCH, prepare=logged.a_run),
    Route("POST", f"/api/v1/batches{P}", LOG, body=logged.BATCHES, prepare=logged.a_run),
    Route("GET", f"{RUN}/inputs{P}", READ, prepare=logged.a_run),
    Route("POST", f"{RUN}/inputs{P}", LOG, body=[{"name": "train"}], prepare=logged.a_run),
    Route("GET", f"{RUN}/outputs{P}", READ, prepare=logged.a_run),
    Route("POST", f"{RUN}/outputs{P}", LOG, body=[{"name": "features"}], prepare=logged.a_run),
    Route("PUT", f"{RUN}/tags/{{key}}{P}", LOG, ok=204, body={"value": "x"}, prepare=logged.a_run),
    Route("DELETE", f"{RUN}/tags/{{key}}{P}", LOG, ok=204, prepare=logged.a_run),
    Route(
        "POST",
        f"{RUN}/params/{{param}}/corrections{P}",
        LOG,
        body={"value": 2} | WHY,
        prepare=logged.an_own_run,
    ),
    Route("GET", f"{RUN}/metrics{P}", READ, prepare=logged.a_run),
    Route("GET", f"{RUN}/series{P}&key=loss", READ, prepare=logged.a_run),
    Route("GET", f"{RUN}/series/raw{P}&key=loss", READ, prepare=logged.a_run),
    Route("POST", f"/api/v1/series/search{P}", READ, body=CHARTS, prepare=logged.a_run),
    Route("POST", f"/api/v1/series/raw/search{P}", READ, body=CHARTS, prepare=logged.a_run),
    Route("GET", f"{RUN}/artifacts{P}", READ, prepare=logged.a_file),
    Route("POST", f"{RUN}/artifacts{P}", LOG, body={"files": [logged.FILE]}, prepare=logged.a_run),
    Route("GET", f"{RUN}/artifacts/content{P}&path=model.bin", READ, prepare=logged.a_file),
    Route(
        "POST",
        f"{RUN}/artifacts/contents/search{P}",
        READ,
        body={"paths": ["model.bin"]},
        prepare=logged.a_file,
    ),
    Route("GET", f"/api/v1/uploads/{{upload}}{P}", LOG, prepare=logged.an_upload),
    Route(
        "PUT",
        f"/api/v1/uploads/{{upload}}{P}",
        LOG,
        raw=logged.CONTENT,
        content_type="application/octet-stream",
        prepare=logged.an_upload,
    ),
    Route(
        "POST",
        f"{RUN}/artifacts/pack{P}",
        LOG,
        raw=logged.PACK,
        content_type="application/x-msgpack",
        prepare=logged.a_run,
    ),
    Route(
        "POST",
        f"/api/v1/uploads/{{upload}}/links{P}",
        LOG,
        ok=409,  # the matrix runs on a local store, which gives no links; on a bucket: tests/tracking/test_uploads_to_a_bucket.py
        body={"parts": [1]},
        prepare=logged.an_upload,
    ),
    Route("POST", f"/api/v1/uploads/{{upload}}/commit{P}", LOG, prepare=logged.a_complete_upload),
    Route("GET", f"/api/v1/datasets{P}", READ, prepare=logged.a_dataset),
    Route("GET", DATASET + P, READ, prepare=logged.a_dataset),
    Route("GET", f"{DATASET}/versions{P}", READ, prepare=logged.a_dataset),
    Route(
        "POST",
        f"{DATASET}/versions{P}",
        LOG,
        ok=201,
        body={"strength": "content", "kind": "file", "digest": logged.DIGEST},
        prepare=logged.names_alone,
    ),
    Route("GET", f"{DATASET}/versions/{{digest}}{P}", READ, prepare=logged.a_dataset),
]
HOLD, DELETION = "/api/v1/holds/{hold}", "/api/v1/deletions/{deletion}"
OF_RUNS = {"kind": "run", "ids": ["{run}"]}
RETENTION = [
    Route("GET", f"/api/v1/deletions{P}", READ, prepare=kept.a_deletion),
    Route("POST", f"/api/v1/deletions{P}", LOG, ok=201, body=OF_RUNS | {"act": "delete"}, prepare=logged.an_own_run),
    Route(
        "POST",
        f"/api/v1/deletions{P}",
        Permission.RUN_DELETE,
        ok=201,
        body=OF_RUNS | {"act": "archive"},
        prepare=logged.anothers_run,
    ),
    Route(
        "POST",
        f"/api/v1/deletions{P}",
        Permission.PURGE,
        ok=201,
        body=OF_RUNS | {"act": "purge"},
        prepare=kept.a_deleted_run,
    ),
    Route("GET", DELETION + P, READ, prepare=kept.a_deletion),
    Route("GET", f"{DELETION}/items{P}", READ, prepare=kept.a_deletion),
    Route("POST", f"{DELETION}/cancel{P}", LOG, prepare=kept.an_own_deletion),
    Route("POST", f"{DELETION}/cancel{P}", Permission.RUN_DELETE, prepare=kept.anothers_deletion),
    Route("GET", f"/api/v1/holds{P}", READ, prepare=kept.a_hold),
    Route(
        "POST",
        f"/api/v1/holds{P}",
        Permission.HOLD_WRITE,
        ok=201,
        body={"kind": "run", "id": "{run}"} | WHY,
        prepare=logged.a_run,
    ),
    Route("GET", HOLD + P, READ, prepare=kept.a_hold),
    Route("POST", f"{HOLD}/lift{P}", Permission.HOLD_WRITE, body=WHY, prepare=kept.a_hold),
    Route("GET", f"/api/v1/held{P}&kind=run&id={{run}}", READ, prepare=logged.a_run),
    Route("GET", f"/api/v1/sweeps{P}", READ, prepare=kept.a_sweep),
    Route("POST", f"/api/v1/sweeps{P}", Permission.PURGE, ok=202, body={}),
    Route("GET", f"/api/v1/sweeps/{{sweep}}{P}", READ, prepare=kept.a_sweep),
    Route("GET", f"/api/v1/usage{P}", READ),
    Route("GET", "/api/v1/usage", Needs.SIGNED_IN),
]
AUDIT_EVENT = "/api/v1/audit/events/{event}"
AUDIT = [
    Route("GET", "/api/v1/audit/events", Needs.SIGNED_IN, scope="read", prepare=logged.an_event),
    Route("GET", AUDIT_EVENT, Needs.SIGNED_IN, scope="read", prepare=logged.an_event, hidden_from=STRANGERS),
    Route("GET", f"{AUDIT_EVENT}/proof", Needs.SIGNED_IN, scope="read", prepare=logged.an_event, hidden_from=STRANGERS),
    Route(
        "POST",
        f"{AUDIT_EVENT}/private",
        Permission.AUDIT_READ_PRIVATE,
        body={},
        prepare=logged.a_requested_event,
        hidden_from=STRANGERS,
    ),
    Route(
        "POST",
        f"{AUDIT_EVENT}/erasure",
        Needs.SERVER_ADMIN,
        body={"paths": ["/actor/display"], "reason": "she asked"},
        prepare=logged.an_event,
    ),
    Route("GET", "/api/v1/audit/log/checkpoint", Needs.SIGNED_IN, prepare=logged.an_event),
    Route("GET", "/api/v1/audit/log/tile/{level}/{tile}", Needs.SIGNED_IN, prepare=logged.an_event),
    Route("GET", "/api/v1/audit/log/tile/entries/{tile}", Needs.SERVER_ADMIN, prepare=logged.an_event),
    Route("GET", "/api/v1/audit/export", Needs.SERVER_ADMIN, prepare=logged.an_event),
    Route("GET", "/api/v1/audit/checkpoint", Needs.SIGNED_IN, prepare=logged.an_event),
    Route("GET", "/api/v1/audit/checkpoints", Needs.SIGNED_IN, prepare=logged.an_event),
    Route("GET", "/api/v1/audit/checkpoints/{new}", Needs.SIGNED_IN, prepare=logged.an_event),
    Route("GET", "/api/v1/audit/consistency?old={old}&new={new}", Needs.SIGNED_IN, prepare=logged.an_event),
    Route("GET", "/api/v1/audit/anchors", Needs.SERVER_ADMIN, prepare=logged.an_event),
    Route("GET", "/api/v1/audit/verifications", Needs.SERVER_ADMIN, prepare=logged.an_event),
]

TRIGGER = "/api/v1/triggers/{trigger}"
MONITOR, WINDOW, ALERT = "/api/v1/monitors/{monitor}", "/api/v1/windows/{window}", "/api/v1/alerts/{alert}"
REPORT = Permission.PROFILE_REPORT
HOOK = "/api/v1/intake-hooks/{hook}"
MONITORING = [
    Route("GET", f"{VERSION}/evidence{P}", READ, prepare=watched.some_evidence),
    Route("POST", f"{VERSION}/evidence{P}", WRITE, ok=201, body=watched.VERDICT, prepare=things.a_version),
    Route("GET", f"{VERSION}/evidence/{{evidence}}{P}", READ, prepare=watched.some_evidence),
    Route("GET", f"/api/v1/intake-hooks{P}", READ, prepare=watched.a_hook),
    Route(
        "POST",
        f"/api/v1/intake-hooks{P}",
        Permission.MONITOR_WRITE,
        ok=201,
        body={"name": "made-by-matrix", "model": "fraud"},
        prepare=things.a_version,
    ),
    Route("GET", HOOK + P, READ, prepare=watched.a_hook),
    Route("PATCH", HOOK + P, Permission.MONITOR_WRITE, body={"enabled": False}, prepare=watched.a_hook),
    Route("DELETE", HOOK + P, Permission.MONITOR_WRITE, ok=204, prepare=watched.a_hook),
    Route("POST", f"{HOOK}/secret{P}", Permission.MONITOR_WRITE, prepare=watched.a_hook),
    Route("GET", f"/api/v1/triggers{P}", READ, prepare=watched.a_trigger),
    Route(
        "POST", f"/api/v1/triggers{P}", Permission.MONITOR_WRITE, ok=201, body=watched.WISH | {"name": "made-by-matrix"}
    ),
    Route("GET", TRIGGER + P, READ, prepare=watched.a_trigger),
    Route("PATCH", TRIGGER + P, Permission.MONITOR_WRITE, body={"enabled": False}, prepare=watched.a_trigger),
    Route("DELETE", TRIGGER + P, Permission.MONITOR_WRITE, ok=204, prepare=watched.a_trigger),
    Route("GET", f"{TRIGGER}/firings{P}", READ, prepare=watched.a_trigger),
    Route("POST", f"{TRIGGER}/fire{P}", Permission.MONITOR_WRITE, ok=201, prepare=watched.a_trigger),
    Route("GET", f"{VERSION}/baseline{P}", READ, prepare=watched.a_monitor),
    Route("PUT", f"{VERSION}/baseline{P}", Permission.MONITOR_WRITE, body=watched.BASELINE, prepare=things.a_version),
    Route("GET", f"{MODEL}/environments/{{environment}}/monitor{P}", REPORT, prepare=watched.a_monitor),
    Route("GET", f"/api/v1/monitors{P}", READ, prepare=watched.a_monitor),
    Route("GET", MONITOR + P, READ, prepare=watched.a_monitor),
    Route("PATCH", MONITOR + P, Permission.MONITOR_WRITE, body={"enabled": False}, prepare=watched.a_monitor),
    Route("GET", f"{MONITOR}/reference{P}", REPORT, prepare=watched.a_monitor),
    Route("POST", f"{MONITOR}/profiles{P}", REPORT, ok=201, body=watched.PART, prepare=watched.a_monitor),
    Route("GET", f"{MONITOR}/windows{P}", READ, prepare=watched.a_window),
    Route("GET", f"{MONITOR}/columns/{{column}}{P}", READ, prepare=watched.a_window),
    Route("GET", f"{MONITOR}/sources{P}", READ, prepare=watched.a_source),
    Route(
        "POST",
        f"{MONITOR}/sources{P}",
        Permission.MONITOR_WRITE,
        ok=201,
        body={"path": "{root}/more"},
        prepare=watched.a_source,
    ),
    Route("GET", f"{MONITOR}/sources/{{source}}{P}", READ, prepare=watched.a_source),
    Route("DELETE", f"{MONITOR}/sources/{{source}}{P}", Permission.MONITOR_WRITE, ok=204, prepare=watched.a_source),
    Route("GET", WINDOW + P, READ, prepare=watched.a_window),
    Route("PUT", f"{WINDOW}/acceptance{P}", Permission.MONITOR_WRITE, body=WHY, prepare=watched.a_window),
    Route("DELETE", f"{WINDOW}/acceptance{P}", Permission.MONITOR_WRITE, ok=204, prepare=watched.a_window),
    Route("GET", f"/api/v1/alerts{P}", READ, prepare=watched.an_alert),
    Route("GET", ALERT + P, READ, prepare=watched.an_alert),
    Route("POST", f"{ALERT}/acknowledge{P}", Permission.ALERT_WRITE, body={}, prepare=watched.an_alert),
    Route("POST", f"{ALERT}/close{P}", Permission.ALERT_WRITE, body=WHY, prepare=watched.an_alert),
]

SUBSCRIBE = Permission.SUBSCRIPTION_WRITE
SUBSCRIPTION, DELIVERY = "/api/v1/subscriptions/{subscription}", "/api/v1/deliveries/{delivery}"
NOTIFY = [
    Route("GET", f"/api/v1/subscriptions{P}", READ, prepare=told.a_subscription),
    Route("POST", f"/api/v1/subscriptions{P}", SUBSCRIBE, ok=201, body=told.WISH | {"name": "made-by-matrix"}),
    Route("GET", SUBSCRIPTION + P, READ, prepare=told.a_subscription),
    Route("PATCH", SUBSCRIPTION + P, SUBSCRIBE, body={"enabled": False}, prepare=told.a_subscription),
    Route("DELETE", SUBSCRIPTION + P, SUBSCRIBE, ok=204, prepare=told.a_subscription),
    Route("POST", f"{SUBSCRIPTION}/test{P}", SUBSCRIBE, ok=201, prepare=told.a_subscription),
    Route("POST", f"{SUBSCRIPTION}/secret{P}", SUBSCRIBE, prepare=told.a_subscription),
    Route("GET", f"{SUBSCRIPTION}/deliveries{P}", READ, prepare=told.a_delivery),
    Route("GET", DELIVERY + P, READ, prepare=told.a_delivery),
    Route("POST", f"{DELIVERY}/replay{P}", SUBSCRIBE, prepare=told.a_delivery),
]

SERVER = [
    Route("GET", "/metrics", Needs.SERVER_ADMIN, scope="metrics"),
    Route("GET", "/api/schema", Needs.SIGNED_IN),
]

ROUTES: list[Route] = [*SERVER, *ACCOUNTS, *AUDIT, *LINEAGE, *MONITORING, *NOTIFY, *REGISTRY, *RETENTION, *TRACKING]
COVERED_ROOMS = frozenset(
    {"accounts", "config", "audit", "lineage", "monitoring", "notify", "registry", "retention", "tracking"}
)
COOKIE_ONLY = frozenset(
    {"DELETE /api/v1/session"}
)  # tokens have no session; tests/accounts/test_authentication tries it
