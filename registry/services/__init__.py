"""Writes to the registry: models, versions, policies, promotions and deployments change only here, each act with its
ledger entry in the same transaction.
"""

from registry.services.aliases import delete_alias, set_alias, set_alias_by_name
from registry.services.approvals import cancel_promotion, decide_promotion
from registry.services.deployments import end_deployment, report_deployment
from registry.services.environments import create_environment, ensure_environments, set_environment_policy
from registry.services.lifecycle import (
    delete_model,
    delete_version,
    purge_model,
    purge_version,
    restore_model,
    restore_version,
)
from registry.services.models import create_model, update_model
from registry.services.policies import put_policy
from registry.services.promotions import advance_promotion, expire_promotions, plan_promotion, request_promotion
from registry.services.receipts import issue_receipt
from registry.services.reports import attach_report
from registry.services.rollbacks import roll_back
from registry.services.versions import (
    pin_seals,
    quarantine_version,
    refuse_purged,
    register_version,
    retire_version,
    review_version,
    update_version,
)

__all__ = [
    "advance_promotion",
    "attach_report",
    "cancel_promotion",
    "create_environment",
    "create_model",
    "decide_promotion",
    "delete_alias",
    "delete_model",
    "delete_version",
    "end_deployment",
    "ensure_environments",
    "expire_promotions",
    "issue_receipt",
    "pin_seals",
    "plan_promotion",
    "purge_model",
    "purge_version",
    "put_policy",
    "quarantine_version",
    "refuse_purged",
    "register_version",
    "report_deployment",
    "request_promotion",
    "restore_model",
    "restore_version",
    "retire_version",
    "review_version",
    "roll_back",
    "set_alias",
    "set_alias_by_name",
    "set_environment_policy",
    "update_model",
    "update_version",
]
