"""Routes of the monitoring room, under `/api/v1/`."""

from django.urls import path

from monitoring.api import alerts, baselines, evidence, hooks, intake, monitors, sources, triggers, windows

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
    path(f"{VERSION}/baseline", baselines.BaselineOfVersion.as_view(), name="version-baseline"),
    path(
        "models/<str:name>/environments/<str:environment>/monitor",
        monitors.MonitorOfEnvironment.as_view(),
        name="environment-monitor",
    ),
    path("monitors", monitors.Monitors.as_view(), name="monitors"),
    path("monitors/<uuid:uuid>", monitors.OneMonitor.as_view(), name="monitor"),
    path("monitors/<uuid:uuid>/reference", monitors.ReferenceOfMonitor.as_view(), name="monitor-reference"),
    path("monitors/<uuid:uuid>/profiles", windows.Profiles.as_view(), name="monitor-profiles"),
    path("monitors/<uuid:uuid>/windows", windows.Windows.as_view(), name="monitor-windows"),
    path("monitors/<uuid:uuid>/columns/<path:name>", windows.ColumnHistory.as_view(), name="monitor-column"),
    path("monitors/<uuid:uuid>/sources", sources.Sources.as_view(), name="monitor-sources"),
    path("monitors/<uuid:uuid>/sources/<uuid:source>", sources.OneSource.as_view(), name="monitor-source"),
    path("windows/<uuid:uuid>", windows.OneWindow.as_view(), name="window"),
    path("windows/<uuid:uuid>/acceptance", windows.AcceptWindow.as_view(), name="window-acceptance"),
    path("alerts", alerts.Alerts.as_view(), name="alerts"),
    path("alerts/<uuid:uuid>", alerts.OneAlert.as_view(), name="alert"),
    path("alerts/<uuid:uuid>/acknowledge", alerts.AcknowledgeAlert.as_view(), name="alert-acknowledge"),
    path("alerts/<uuid:uuid>/close", alerts.CloseAlert.as_view(), name="alert-close"),
    path("intake/<uuid:uuid>", intake.Intake.as_view(), name="intake"),
]
