"""Accounts, projects, memberships, and the secrets that prove an account: tokens, page sessions and one-time links.

No password and no secret is stored anywhere: a row keeps the SHA-256 of a secret of 256 random bits, which only its
holder knows.
"""

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from core import clock
from core.access import Role
from core.ids import uuid7


class Account(models.Model):
    """A person or a service. Names stay taken when an account is deactivated, because the ledger speaks of them for
    ever.
    """

    class Kind(models.TextChoices):
        USER = "user"
        SERVICE = "service"

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    name = models.CharField(max_length=64, unique=True)
    display_name = models.CharField(max_length=200, blank=True, default="")
    email = models.CharField(max_length=254, blank=True, default="")
    is_server_admin = models.BooleanField(default=False)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["user", "service"]), name="accounts_account_kind"),
            models.CheckConstraint(condition=~Q(name=""), name="accounts_account_named"),
        ]


class Project(models.Model):
    """The tenant: roles attach here, and nothing is shared across it. Its name never changes, since links and tokens
    carry it.
    """

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    name = models.CharField(max_length=64, unique=True)
    description = models.TextField(blank=True, default="")
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="accounts_project_named")]

    @property
    def is_archived(self) -> bool:
        return self.archived_at is not None


class Membership(models.Model):
    """One account's role in one project."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="memberships")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="memberships")
    role = models.PositiveSmallIntegerField(choices=[(role.value, role.label) for role in Role])
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "project"], name="accounts_membership_once"),
            models.CheckConstraint(
                condition=Q(role__gte=min(Role).value, role__lte=max(Role).value), name="accounts_membership_role"
            ),
        ]


class Token(models.Model):
    """An API token. `prefix` (`lnl_` and the id) names it in lists and logs; the secret behind it is stored hashed."""

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, unique=True)
    secret_sha256 = models.CharField(max_length=64)
    scopes = models.JSONField()
    project = models.ForeignKey(Project, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["account", "created_at"], name="accounts_token_by_account")]

    def is_usable(self, at: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


class LoginLink(models.Model):
    """A one-time browser link; `asked_with` is the token that asked for it, and bounds what comes of it."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="login_links")
    asked_with = models.ForeignKey(Token, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    secret_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)


class PageSession(models.Model):
    """A browser's sign-in. Ends at `expires_at` unless used before (it slides), and at `ends_at` whatever happens."""

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="page_sessions")
    stems_from = models.ForeignKey(Token, on_delete=models.PROTECT, null=True, blank=True, related_name="page_sessions")
    method = models.CharField(max_length=32)
    secret_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    last_seen_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__lte=F("ends_at")), name="accounts_session_idle_in_life")
        ]
        indexes = [models.Index(fields=["expires_at"], name="accounts_session_expiry")]
