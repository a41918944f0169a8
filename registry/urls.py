"""Routes of the registry, under `/api/v1/`."""

from django.urls import path

from registry.api import aliases, deployments, environments, lifecycle, models, policies, promotions, receipts, versions

urlpatterns = [
    path("models", models.Models.as_view(), name="models"),
    path("models/<str:name>", models.OneModel.as_view(), name="model"),
    path("models/<str:name>/versions/<str:ref>", versions.OneVersion.as_view(), name="version"),
    path("models/<str:name>/versions/<str:ref>/manifest", versions.Manifest.as_view(), name="version-manifest"),
    path("models/<str:name>/versions/<str:ref>/files", versions.VersionFile.as_view(), name="version-file"),
    path("models/<str:name>/versions/<str:ref>/retire", versions.Retire.as_view(), name="version-retire"),
    path("models/<str:name>/delete", lifecycle.DeleteModel.as_view(), name="model-delete"),
    path("models/<str:name>/restore", lifecycle.RestoreModel.as_view(), name="model-restore"),
    path("models/<str:name>/purge", lifecycle.PurgeModel.as_view(), name="model-purge"),
    path("models/<str:name>/versions/<str:ref>/delete", lifecycle.DeleteVersion.as_view(), name="version-delete"),
    path("models/<str:name>/versions/<str:ref>/restore", lifecycle.RestoreVersion.as_view(), name="version-restore"),
    path("models/<str:name>/versions/<str:ref>/purge", lifecycle.PurgeVersion.as_view(), name="version-purge"),
    path("models/<str:name>/versions/<str:ref>/quarantine", versions.Quarantine.as_view(), name="version-quarantine"),
    path("models/<str:name>/aliases", aliases.Aliases.as_view(), name="aliases"),
    path("models/<str:name>/aliases/<str:alias>/history", aliases.AliasHistory.as_view(), name="alias-history"),
    path("models/<str:name>/environments", environments.Slots.as_view(), name="slots"),
    path(
        "models/<str:name>/environments/<str:environment>/history",
        environments.SlotHistory.as_view(),
        name="slot-history",
    ),
    path("models/<str:name>/promotions", promotions.Promote.as_view(), name="promote"),
    path("models/<str:name>/rollbacks", promotions.RollBack.as_view(), name="roll-back"),
    path("environments", environments.Environments.as_view(), name="environments"),
    path("environments/<str:name>", environments.OneEnvironment.as_view(), name="environment"),
    path("environments/<str:name>/policy", environments.EnvironmentPolicy.as_view(), name="environment-policy"),
    path("policies", policies.Policies.as_view(), name="policies"),
    path("policies/<str:name>", policies.OnePolicy.as_view(), name="policy"),
    path("policies/<str:name>/revisions", policies.PolicyRevisions.as_view(), name="policy-revisions"),
    path("promotions", promotions.Promotions.as_view(), name="promotions"),
    path("promotions/<uuid:uuid>", promotions.OnePromotion.as_view(), name="promotion"),
    path("promotions/<uuid:uuid>/approvals", promotions.Decide.as_view(), name="promotion-approvals"),
    path("promotions/<uuid:uuid>/cancel", promotions.Cancel.as_view(), name="promotion-cancel"),
    path("deployments", deployments.Deployments.as_view(), name="deployments"),
    path("deployments/<uuid:uuid>", deployments.OneDeployment.as_view(), name="deployment"),
    path("deployments/<uuid:uuid>/end", deployments.EndDeployment.as_view(), name="deployment-end"),
    path("receipts/key", receipts.ReceiptKey.as_view(), name="receipt-key"),
    path("receipts/<uuid:uuid>", receipts.OneReceipt.as_view(), name="receipt"),
]
