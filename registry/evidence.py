"""How the registry's things are named on the ledger: by lasting id, by their name at the time, and by digest."""

from audit.events import Target
from registry.models import Deployment, Environment, Model, ModelVersion, Policy, Promotion


def model_target(model: Model) -> Target:
    return Target("model", str(model.uuid), model.name)


def version_target(version: ModelVersion) -> Target:
    return Target("model_version", str(version.uuid), version.label, version=version.digest)


def alias_target(model: Model, name: str, version: ModelVersion | None) -> Target:
    return Target("alias", f"{model.uuid}/{name}", f"{model.name}@{name}", version=version.digest if version else "")


def environment_target(environment: Environment) -> Target:
    return Target("environment", str(environment.uuid), environment.name)


def policy_target(policy: Policy, sha256: str) -> Target:
    return Target("policy", str(policy.uuid), policy.name, version=sha256)


def promotion_target(promotion: Promotion) -> Target:
    label = f"{promotion.version.label} to {promotion.environment.name}"
    return Target("promotion", str(promotion.uuid), label, version=promotion.version.digest)


def deployment_target(deployment: Deployment) -> Target:
    label = f"{deployment.version.label} at {deployment.target} ({deployment.environment.name})"
    return Target("deployment", str(deployment.uuid), label, version=deployment.version.digest)
