"""Routes of the monitoring room, under `/api/v1/`."""

from django.urls import path

from monitoring.api import evidence, hooks, intake, triggers

VERSION = "models/<str:name>/versions/<str:ref>"

urlpatterns = [
    path(f"{VERSION}/evidence", evidence.EvidenceOfVersion.as_view(), name="version-evidence"),
    path(f"{VERSION}/evidence/<uuid:uuid>", evidence.OneEvidence.as_view(), name="evidence"),
    path("intake-hooks", hooks.IntakeHooks.as_view(), name="intake-hooks"),
    path("intake-hooks/<uuid:uuid>", hooks.OneIntakeHook.as_view(), name="intake-hook"),
    path("intake-hooks/<uuid:uuid>/secret", hooks.RenewIntakeHook.as_view(), name="intake-hook-secret"),
    path("triggers", triggers.Triggers.as_view(), name="triggers"),
    path("triggers/<uuid:uuid>", triggers.OneTrigger.as_view(), name="trigger"),
    path("triggers/<uuid:uuid>/firings", triggers.Firings.as_view(), name="trigger-firings"),
    path("triggers/<uuid:uuid>/fire", triggers.Fire.as_view(), name="trigger-fire"),
    path("intake/<uuid:uuid>", intake.Intake.as_view(), name="intake"),
]
