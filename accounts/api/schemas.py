"""OpenAPI's view of what `render` gives, and of the problems that every route can answer with."""

from rest_framework import serializers

ROLES = ["viewer", "contributor", "approver", "maintainer", "admin"]


class ProblemOut(serializers.Serializer):
    """RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    request_id = serializers.CharField(allow_null=True)


class AccountOut(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(["user", "service"])
    display_name = serializers.CharField(allow_blank=True)
    email = serializers.CharField(allow_null=True, allow_blank=True)
    is_server_admin = serializers.BooleanField()
    active = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class ProjectOut(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    archived = serializers.BooleanField()
    archived_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    role = serializers.ChoiceField(ROLES, help_text="The caller's own.", allow_null=True)


class MemberOut(serializers.Serializer):
    account = serializers.CharField()
    kind = serializers.ChoiceField(["user", "service"])
    display_name = serializers.CharField(allow_blank=True)
    active = serializers.BooleanField()
    role = serializers.ChoiceField(ROLES)
    since = serializers.DateTimeField()


class TokenOut(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="The public part of the token, which finds it in lists and logs.")
    account = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    project = serializers.CharField(allow_null=True)
    state = serializers.ChoiceField(["active", "expired", "revoked"])
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="True to the minute.")
    revoked_at = serializers.DateTimeField(allow_null=True)


class NewTokenOut(TokenOut):
    token = serializers.CharField(help_text="The token itself. It is shown here once and kept nowhere.")


class ServerOut(serializers.Serializer):
    name = serializers.CharField()
    version = serializers.CharField()
    vkey = serializers.CharField(allow_blank=True, help_text="Public key of the audit log, as `name+id+key`.")
    origin = serializers.CharField(help_text="Name of the audit log in its checkpoints.")
    cosigner_vkey = serializers.CharField(
        allow_blank=True, help_text="ML-DSA-44 key that signs checkpoints beside the first; empty where there is none."
    )
    rotations = serializers.ListField(
        child=serializers.CharField(),
        help_text="Signed notes, oldest first, in which the log was handed to a new key; each has the signature of the old one.",
    )


class AuthOut(serializers.Serializer):
    method = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    project = serializers.CharField(allow_null=True, help_text="The one project that the token is bound to.")
    token_id = serializers.UUIDField(allow_null=True)


class ProjectRoleOut(serializers.Serializer):
    name = serializers.CharField()
    role = serializers.ChoiceField(ROLES)


class MeOut(serializers.Serializer):
    account = AccountOut()
    auth = AuthOut()
    projects = ProjectRoleOut(many=True)


class LoginLinkOut(serializers.Serializer):
    url = serializers.CharField(help_text="The secret stands in the fragment, which browsers do not send.")
    expires_at = serializers.DateTimeField()


class ReasonIn(serializers.Serializer):
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


_pages: dict[type[serializers.Serializer], type[serializers.Serializer]] = {}


def page_of(item: type[serializers.Serializer]) -> type[serializers.Serializer]:
    """The schema of a page of `item`."""
    if item not in _pages:
        fields = {"items": item(many=True), "next_cursor": serializers.CharField(allow_null=True)}
        _pages[item] = type(item.__name__.removesuffix("Out") + "PageOut", (serializers.Serializer,), fields)
    return _pages[item]
