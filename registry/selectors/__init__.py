"""Reads of the registry, one module per noun. A name that is missing raises NotFound; every list is lazy."""

from registry.selectors.aliases import alias_changes, alias_history, get_alias_target, list_aliases
from registry.selectors.deployments import get_deployment, list_deployments, promoted_digests
from registry.selectors.environments import (
    find_slot,
    get_environment,
    list_environments,
    list_slots,
    slot_history,
)
from registry.selectors.policies import (
    get_policy,
    latest_revision,
    list_policies,
    list_revisions,
    revisions_in_force,
)
from registry.selectors.promotions import (
    committed_until,
    get_promotion,
    get_receipt,
    good_line,
    list_promotions,
    receipt_vkey,
    waiting_for,
)
from registry.selectors.reports import find_latest_report, get_report, list_reports, report_document
from registry.selectors.versions import (
    all_versions,
    find_models,
    find_version_at,
    find_versions,
    get_manifest_file,
    get_model,
    get_version,
    list_models,
    list_versions,
    manifest_files,
    manifest_text,
)

__all__ = [
    "alias_changes",
    "alias_history",
    "all_versions",
    "committed_until",
    "find_latest_report",
    "find_models",
    "find_slot",
    "find_version_at",
    "find_versions",
    "get_alias_target",
    "get_deployment",
    "get_environment",
    "get_manifest_file",
    "get_model",
    "get_policy",
    "get_promotion",
    "get_receipt",
    "get_report",
    "get_version",
    "good_line",
    "latest_revision",
    "list_aliases",
    "list_deployments",
    "list_environments",
    "list_models",
    "list_policies",
    "list_promotions",
    "list_reports",
    "list_revisions",
    "list_slots",
    "list_versions",
    "manifest_files",
    "manifest_text",
    "promoted_digests",
    "receipt_vkey",
    "report_document",
    "revisions_in_force",
    "slot_history",
    "waiting_for",
]
