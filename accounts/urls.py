"""Where accounts' routes hang, under /api/v1/."""

from django.urls import path

from accounts.api import people, projects, server, sign_in, tokens

urlpatterns = [
    path("server", server.Server.as_view(), name="server"),
    path("me", server.Me.as_view(), name="me"),
    path("projects", projects.Projects.as_view(), name="projects"),
    path("projects/<str:name>", projects.OneProject.as_view(), name="project"),
    path("projects/<str:name>/members", projects.Members.as_view(), name="members"),
    path("projects/<str:name>/members/<str:account>", projects.OneMember.as_view(), name="member"),
    path("users", people.Users.as_view(), name="users"),
    path("users/<str:name>", people.OneUser.as_view(), name="user"),
    path("users/<str:name>/deactivate", people.DeactivateUser.as_view(), name="user-deactivate"),
    path("users/<str:name>/reactivate", people.ReactivateUser.as_view(), name="user-reactivate"),
    path("service-accounts", people.ServiceAccounts.as_view(), name="service-accounts"),
    path("service-accounts/<str:name>", people.OneServiceAccount.as_view(), name="service-account"),
    path(
        "service-accounts/<str:name>/deactivate",
        people.DeactivateServiceAccount.as_view(),
        name="service-account-deactivate",
    ),
    path(
        "service-accounts/<str:name>/reactivate",
        people.ReactivateServiceAccount.as_view(),
        name="service-account-reactivate",
    ),
    path("tokens", tokens.Tokens.as_view(), name="tokens"),
    path("tokens/<uuid:token>", tokens.OneToken.as_view(), name="token"),
    path("login-links", sign_in.LoginLinks.as_view(), name="login-links"),
    path("session", sign_in.Session.as_view(), name="session"),
]
