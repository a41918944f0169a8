"""Every page of the product by the name of its route, and a store in which each of them has something to show.

`python -m tests.web.every_page` fills the store that the environment names and prints the addresses as JSON.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

STRANGE = {
    "html": '<img src=x onerror="document.title=666"><script>document.title=667</script>',
    "long": "long-" + "x" * 245,
    "right to left": "تجربة التعلّم العميق رقم ٧",
    "emoji": "👩🏽‍🔬🚀 run 🇳🇴",
    "format": "ab\u202ecd\u200b\u2066ef\u00ad\ufeffgh",  # an override, a zero-width space, an isolate, a soft hyphen, a mark
    "closing": "ab\u2069\u202ecdefgh",  # ends an isolate that it did not open, and turns what follows
}
EMPTY_PROJECT = "empty"

# Routes that give no page: they take a form, send a file, lead on, or answer for a part of another page.
NO_PAGES = frozenset({
    "login_exchange", "login_token", "logout", "token_revoke", "theme", "runs_act", "run_live", "view_save", "view_act", "run_act",
    "run_artifact_view", "project_home", "project_settings", "alias_act", "slot_roll_back", "version_act", "promotion_request",
    "promotion_decide", "alert_answer",
    "dataset_impact_export", "subscription_act", "delivery_replay",
})  # fmt: skip
OF_NO_PROJECT = ("login", "home", "search", "token_list", "profile", "account_list", "server_audit", "checkpoint_list")
# What a project without anything has a page for.
OF_AN_EMPTY_PROJECT = (
    "run_list", "run_columns", "run_compare", "project_usage", "project_general", "member_list", "environment_list",
    "policy_list", "experiment_list", "model_list", "promotion_list", "deployment_list", "monitor_list", "alert_list", "trigger_list",
    "dataset_list", "subscription_list", "project_audit",
)  # fmt: skip


def addresses(project: Any) -> dict[str, str]:
    """The path of each page, by the name of its route; of `project`, where it is of one. Asks for a store that `fill` has filled."""
    from django.urls import reverse

    from audit.models import AuditEvent
    from monitoring.models import Alert, Monitor
    from notify.models import Delivery
    from registry.models import Deployment, Promotion
    from tests.web.story import EVIL_NAME
    from tracking.models import DatasetVersion, Run

    run = Run.objects.get(project=project, experiment__name="full").uuid.hex
    other = Run.objects.filter(project=project, experiment__name="strange").order_by("id")[0].uuid.hex
    delivery = Delivery.objects.order_by("id")[0]
    monitor = Monitor.objects.get(version__model__project=project, version__model__name="fraud").uuid
    event = AuditEvent.objects.filter(target_type="run", project_id=project.id).order_by("id")[0].uuid
    dataset = DatasetVersion.objects.get(dataset__project=project, dataset__name=EVIL_NAME).uuid
    deployment = Deployment.objects.filter(version__model__project=project).order_by("id")[0].uuid
    promotion = Promotion.objects.filter(version__model__project=project).order_by("id")[0].uuid
    alert = Alert.objects.filter(monitor__version__model__project=project).order_by("id")[0].uuid
    arguments: Mapping[str, tuple[Any, ...]] = {
        **dict.fromkeys(OF_AN_EMPTY_PROJECT, ()),
        **dict.fromkeys(
            ("run_detail", "run_charts", "run_values", "run_artifacts", "run_code", "run_line", "run_ledger"), (run,)
        ),
        "policy_detail": ("production-gates",),
        "model_detail": ("fraud",),
        "slot_detail": ("fraud", "production"),
        **dict.fromkeys(("version_detail", "version_record", "promotion_plan"), ("fraud", 1)),
        "promotion_detail": (promotion,),
        "deployment_detail": (deployment,),
        "alert_detail": (alert,),
        **dict.fromkeys(("monitor_detail", "monitor_performance"), (monitor,)),
        "monitor_column": (monitor, "city"),
        "dataset_impact": (dataset,),
        "dataset_detail": (EVIL_NAME,),
        "subscription_detail": (delivery.subscription.uuid,),
        "delivery_detail": (delivery.uuid,),
        "audit_event": (event,),
    }
    query = {"run_compare": f"?runs={run},{other}", "promotion_plan": "?environment=staging", "search": "?q=fraud"}
    found = {name: reverse(f"web:{name}") for name in OF_NO_PROJECT}
    found |= {name: reverse(f"web:{name}", args=[project.name, *rest]) for name, rest in arguments.items()}
    found |= {
        "account_detail": reverse("web:account_detail", args=["ada"]),
        "server_event": reverse("web:server_event", args=[event]),
    }
    return {name: path + query.get(name, "") for name, path in found.items()}


def of_an_empty_project() -> dict[str, str]:
    from django.urls import reverse

    return {f"{name}, empty": reverse(f"web:{name}", args=[EMPTY_PROJECT]) for name in OF_AN_EMPTY_PROJECT}


def route_names() -> Iterator[str]:
    """Of all that the pages' URL map leads to."""
    from web.urls import urlpatterns

    return (str(pattern.name) for pattern in urlpatterns)


def fill(project: Any, admin: Any) -> None:
    """One of everything, most of it with names that try to be markup; runs by the name of each of `STRANGE`; a project with nothing."""
    from accounts import services as accounts
    from monitoring import services as monitoring
    from monitoring.services.triggers import Wish
    from registry import services as registry
    from tests.web import story
    from tests.web.production import watch
    from tests.web.run_story import new_full_run
    from tracking.services import write_batch
    from tracking.services.views import ViewWish, create_view
    from tracking.uses import DatasetUse

    ben = _member(project, admin, "ben", "contributor")
    _member(project, admin, "ada", "approver")
    accounts.create_project(name=EMPTY_PROJECT, actor=admin)
    story.want_approval(project, admin)
    told = story.tell(project, ben)
    story.subscribe(project, admin)
    new_full_run(project, ben)
    for name in STRANGE.values():
        story.new_run(
            project, ben, name=name, experiment="strange", params={name: name, "lr": 0.1}, metrics={name: [0.5, 0.7], "auc": [0.9]}
        )  # fmt: skip
    uses = [
        DatasetUse(name=name, digest=f"sha256:{at:064x}", kind="file", strength="content", context="train")
        for at, name in enumerate(STRANGE.values(), start=1)
    ]
    reader = story.new_run(project, ben, name="reads strange data", experiment="readers", finish=False)
    write_batch(run=reader, writer=uuid4(), sequence=1, inputs=uses)
    registry.set_alias(model=told.version.model, name="champion", version=told.version, actor=ben, reason=story.EVIL)
    create_view(project=project, wish=ViewWish(name=story.EVIL, filter="metrics.auc > 0.5"), actor=ben)
    wish = Wish(
        name="retrain", on="alert", action="webhook", address="https://jobs.example.org/retrain", filter={"model": "fraud"}
    )  # fmt: skip
    monitoring.create_trigger(project=project, wish=wish, actor=admin)
    watch(told.version, by=ben, evil=story.EVIL)


def _member(project: Any, admin: Any, name: str, role: str) -> Any:
    from accounts import selectors, services
    from core.access import Role

    account = services.create_account(kind="user", name=name, actor=admin)
    services.set_role(account=account, project=project, role=Role[role.upper()], actor=admin)
    return selectors.principal_of(account)


def main() -> None:
    from bench.seed.command import prepare

    prepare()
    from accounts import selectors
    from accounts.models import Account, Project
    from audit.testing import sequence_now

    project = Project.objects.get(name="default")
    fill(project, selectors.principal_of(Account.objects.get(name="owner")))
    sequence_now()
    json.dump(addresses(project) | of_an_empty_project(), sys.stdout)


if __name__ == "__main__":
    main()
