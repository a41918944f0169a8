"""Addresses of the pages. All but the sign-in refuse the anonymous."""

from django.urls import path

from web.views import (
    alerts,
    audit,
    data,
    deployments,
    experiments,
    home,
    models,
    monitoring,
    notifications,
    promotions,
    run_detail,
    runs,
    search,
    session,
    settings,
    slots,
    triggers,
    usage,
    versions,
)

app_name = "web"

urlpatterns = [
    path("", home.home, name="home"),
    path("search", search.search, name="search"),
    path("login", session.login, name="login"),
    path("login/exchange", session.login_exchange, name="login_exchange"),
    path("login/token", session.login_token, name="login_token"),
    path("logout", session.logout, name="logout"),
    path("settings/tokens", settings.token_list, name="token_list"),
    path("settings/tokens/<uuid:uuid>/revoke", settings.token_revoke, name="token_revoke"),
    path("settings/profile", settings.profile, name="profile"),
    path("projects/<str:project>", home.project_home, name="project_home"),
    path("projects/<str:project>/runs", runs.run_list, name="run_list"),
    path("projects/<str:project>/runs/<str:run_id>", run_detail.run_detail, name="run_detail"),
    path("projects/<str:project>/runs/<str:run_id>/act", run_detail.run_act, name="run_act"),
    path("projects/<str:project>/usage", usage.project_usage, name="project_usage"),
    path("projects/<str:project>/experiments", experiments.experiment_list, name="experiment_list"),
    path("projects/<str:project>/models", models.model_list, name="model_list"),
    path("projects/<str:project>/models/<str:name>", models.model_detail, name="model_detail"),
    path("projects/<str:project>/models/<str:name>/aliases", models.alias_act, name="alias_act"),
    path(
        "projects/<str:project>/models/<str:name>/environments/<str:environment>",
        slots.slot_detail,
        name="slot_detail",
    ),
    path(
        "projects/<str:project>/models/<str:name>/environments/<str:environment>/roll-back",
        slots.slot_roll_back,
        name="slot_roll_back",
    ),
    path(
        "projects/<str:project>/models/<str:name>/versions/<int:number>",
        versions.version_detail,
        name="version_detail",
    ),
    path(
        "projects/<str:project>/models/<str:name>/versions/<int:number>/act",
        versions.version_act,
        name="version_act",
    ),
    path(
        "projects/<str:project>/models/<str:name>/versions/<int:number>/promote",
        versions.promotion_request,
        name="promotion_request",
    ),
    path(
        "projects/<str:project>/models/<str:name>/versions/<int:number>/plan",
        versions.promotion_plan,
        name="promotion_plan",
    ),
    path("projects/<str:project>/promotions", promotions.promotion_list, name="promotion_list"),
    path("projects/<str:project>/promotions/<uuid:uuid>", promotions.promotion_detail, name="promotion_detail"),
    path("projects/<str:project>/promotions/<uuid:uuid>/decide", promotions.promotion_decide, name="promotion_decide"),
    path("projects/<str:project>/deployments", deployments.deployment_list, name="deployment_list"),
    path(
        "projects/<str:project>/deployments/<uuid:uuid>", deployments.deployment_detail, name="deployment_detail"
    ),
    path("projects/<str:project>/monitoring", monitoring.monitor_list, name="monitor_list"),
    path("projects/<str:project>/monitoring/alerts", alerts.alert_list, name="alert_list"),
    path("projects/<str:project>/monitoring/alerts/<uuid:uuid>", alerts.alert_detail, name="alert_detail"),
    path("projects/<str:project>/monitoring/alerts/<uuid:uuid>/answer", alerts.alert_answer, name="alert_answer"),
    path("projects/<str:project>/monitoring/triggers", triggers.trigger_list, name="trigger_list"),
    path("projects/<str:project>/monitoring/<uuid:uuid>", monitoring.monitor_detail, name="monitor_detail"),
    path(
        "projects/<str:project>/monitoring/<uuid:uuid>/performance",
        monitoring.monitor_performance,
        name="monitor_performance",
    ),
    path(
        "projects/<str:project>/monitoring/<uuid:uuid>/columns/<path:column>",
        monitoring.monitor_column,
        name="monitor_column",
    ),
    path("projects/<str:project>/impact/<uuid:uuid>", data.dataset_impact, name="dataset_impact"),
    path(
        "projects/<str:project>/impact/<uuid:uuid>/export", data.dataset_impact_export, name="dataset_impact_export"
    ),
    path("projects/<str:project>/data", data.dataset_list, name="dataset_list"),
    path("projects/<str:project>/data/<path:name>", data.dataset_detail, name="dataset_detail"),
    path("projects/<str:project>/notifications", notifications.subscription_list, name="subscription_list"),
    path(
        "projects/<str:project>/notifications/<uuid:uuid>",
        notifications.subscription_detail,
        name="subscription_detail",
    ),
    path(
        "projects/<str:project>/notifications/<uuid:uuid>/act",
        notifications.subscription_act,
        name="subscription_act",
    ),
    path("projects/<str:project>/deliveries/<uuid:uuid>", notifications.delivery_detail, name="delivery_detail"),
    path("projects/<str:project>/deliveries/<uuid:uuid>/replay", notifications.delivery_replay, name="delivery_replay"),
    path("projects/<str:project>/audit", audit.project_audit, name="project_audit"),
    path("projects/<str:project>/audit/<uuid:uuid>", audit.project_event, name="audit_event"),
    path("audit", audit.server_audit, name="server_audit"),
    path("audit/<uuid:uuid>", audit.server_event, name="server_event"),
]
