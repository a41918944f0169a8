"""Tables of the registry, one module per noun."""

from registry.models.aliases import Alias, AliasChange
from registry.models.deployments import Deployment
from registry.models.environments import Environment, Slot
from registry.models.policies import Policy, PolicyRevision
from registry.models.promotions import Approval, Promotion
from registry.models.receipts import Receipt
from registry.models.reports import Report
from registry.models.versions import ManifestFile, Model, ModelVersion

__all__ = [
    "Alias",
    "AliasChange",
    "Approval",
    "Deployment",
    "Environment",
    "ManifestFile",
    "Model",
    "ModelVersion",
    "Policy",
    "PolicyRevision",
    "Promotion",
    "Receipt",
    "Report",
    "Slot",
]
