"""What the registry's routes name: a version, a policy, a promotion that waits, a deployment, a receipt, as each route needs."""

from hashlib import sha256

from core.ids import uuid7
from core.storage import get_store
from registry import selectors, services
from registry.models import Receipt
from registry.services.promotions import Request
from tests.registry.factories import new_artifact, new_run, new_version

NAMES = {"model": "fraud", "version": "1", "alias": "best", "policy": "gates", "environment": "production"}
FOUR_EYES = {"gate": [{"id": "four-eyes", "kind": "approval"}]}


def nothing(world, caller):
    """Names of things that are there without being made."""
    return NAMES


def a_run(world, caller):
    run = new_run(world.project, world.people["contributor"])
    new_artifact(run, "model.bin")
    return NAMES | {"run": run.uuid.hex}


def a_version(world, caller):
    """Version 1 of `fraud`, registered by the contributor."""
    return NAMES | {"digest": new_version(world.project, world.people["contributor"]).digest}


def a_stored_version(world, caller):
    """A version whose bytes are in the store."""
    content = b"weights of the matrix"
    store = get_store()
    key = store.new_staging_key()
    store.write_part(key, 0, [content], max_bytes=100)
    store.publish(key, world.project.uuid, sha256(content).hexdigest())
    new_version(world.project, world.people["contributor"], content=content)
    return NAMES


def an_alias(world, caller):
    version = new_version(world.project, world.people["contributor"])
    services.set_alias(model=version.model, name="best", version=version, actor=world.people["contributor"])
    return NAMES


def a_policy(world, caller):
    services.put_policy(project=world.project, name="gates", document=FOUR_EYES, actor=world.people["admin"])
    return NAMES


def a_waiting_promotion(world, caller):
    """Proposed by the contributor, for another person to decide on."""
    return NAMES | {"promotion": str(_waiting(world, world.people["contributor"]).uuid)}


def an_own_promotion(world, caller):
    """Proposed by the caller, to take back."""
    return NAMES | {"promotion": str(_waiting(world, caller).uuid)}


def two_promotions(world, caller):
    """Something to roll back from, and to."""
    for _ in range(2):
        _promote(world, new_version(world.project, world.people["contributor"]), world.people["contributor"])
    return NAMES


def a_deployment(world, caller):
    deployment, _ = services.report_deployment(
        version=new_version(world.project, world.people["contributor"]),
        environment=_production(world),
        target="eu-1",
        actor=world.people["contributor"],
    )
    return NAMES | {"deployment": str(deployment.uuid)}


def a_receipt(world, caller):
    """The row alone: how it is signed is tested where it is made."""
    promotion = _promote(world, new_version(world.project, world.people["contributor"]), world.people["contributor"])
    receipt = Receipt.objects.create(promotion=promotion, envelope="{}", sha256="0" * 64, vkey=f"test+{uuid7().hex}")
    return NAMES | {"receipt": str(receipt.uuid)}


def _waiting(world, proposer):
    a_policy(world, proposer)
    policy = selectors.get_policy(project=world.project, name="gates")
    services.set_environment_policy(
        environment=_production(world), policy=policy, reason="rules", actor=world.people["admin"]
    )
    return _promote(world, new_version(world.project, world.people["contributor"]), proposer)


def _promote(world, version, proposer):
    request = Request(
        model=version.model, version=version, environment=_production(world), actor=proposer, reason="better"
    )
    return services.request_promotion(request)[0]


def _production(world):
    services.ensure_environments(project=world.project)
    return selectors.get_environment(project=world.project, name="production")
