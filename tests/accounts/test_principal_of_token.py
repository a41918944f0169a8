"""From a token's plaintext to the caller behind it."""

from datetime import timedelta

import pytest

from accounts import recent, secrets, selectors, services
from accounts.errors import InvalidToken
from accounts.models import Account, Membership, Token
from core import clock
from core.access import NotAllowed, Permission, Role, can, require_server_admin, system_principal


def test_a_token_speaks_for_its_account(make_token, alice, project):
    principal = selectors.principal_of_token(make_token(alice))

    assert (principal.id, principal.name, principal.auth_method) == (alice.id, "alice", "api_token")
    assert principal.roles == {project.id: Role.ADMIN}
    assert principal.token_id == Token.objects.get().uuid


@pytest.mark.parametrize("spoil", ["secret", "prefix", "short", "empty", "swapped"])
def test_a_token_with_any_part_wrong_is_refused(make_token, alice, bob, spoil):
    good, other = make_token(alice), make_token(bob)
    bad = {
        "secret": good[:-1] + ("a" if good[-1] != "a" else "b"),
        "prefix": secrets.new_token().prefix + good[secrets.PREFIX_CHARS :],
        "short": good[:-1],
        "empty": "",
        "swapped": good[: secrets.PREFIX_CHARS] + other[secrets.PREFIX_CHARS :],
    }[spoil]

    with pytest.raises(InvalidToken):
        selectors.principal_of_token(bad)


def test_a_revoked_token_is_refused(make_token, alice):
    plaintext = make_token(alice)
    services.revoke_token(token=Token.objects.get(), actor=alice)

    with pytest.raises(InvalidToken):
        selectors.principal_of_token(plaintext)


def test_an_expired_token_is_refused(make_token, alice, stop_clock):
    plaintext = make_token(alice, expires_at=clock.now() + timedelta(hours=1))
    assert selectors.principal_of_token(plaintext).name == "alice"

    stop_clock(clock.now() + timedelta(hours=1))

    with pytest.raises(InvalidToken):
        selectors.principal_of_token(plaintext)


def test_a_token_of_a_deactivated_account_is_refused(make_token, bob):
    plaintext = make_token(bob)
    Account.objects.filter(name="bob").update(active=False)

    with pytest.raises(InvalidToken):
        selectors.principal_of_token(plaintext)


def test_every_refusal_reads_the_same(make_token, alice):
    """Trying tokens must not teach which prefixes exist."""
    plaintext = make_token(alice)
    unknown = secrets.new_token().plaintext
    details = set()
    for wrong in (unknown, plaintext[:-1] + ("1" if plaintext.endswith("0") else "0"), "nonsense"):
        with pytest.raises(InvalidToken) as refused:
            selectors.principal_of_token(wrong)
        details.add(refused.value.detail)

    assert len(details) == 1


def test_scopes_narrow_what_the_account_may(make_token, alice, project):
    principal = selectors.principal_of_token(make_token(alice, scopes=("read", "log")))

    allowed = {permission for permission in Permission if can(principal, permission, project)}
    assert allowed == {Permission.PROJECT_READ, Permission.AUDIT_READ, Permission.AUDIT_EXPORT, Permission.RUN_WRITE}


def test_a_token_bound_to_a_project_knows_no_other(make_token, make_project, alice, alice_account, project):
    other = make_project("other", admin=alice_account)
    principal = selectors.principal_of_token(make_token(alice, project=project))

    assert principal.role_in(project) == Role.ADMIN
    assert principal.role_in(other) is None


def test_a_bound_token_of_a_server_admin_administers_no_server(make_token, make_account, principal, project):
    root = principal(make_account("root", is_server_admin=True))
    bound = selectors.principal_of_token(make_token(root, project=project))

    with pytest.raises(NotAllowed):
        require_server_admin(bound)


@pytest.mark.django_db(transaction=True)
def test_a_busy_token_costs_no_query(make_token, alice, django_assert_num_queries):
    """The hot ingest route asks on every request."""
    plaintext = make_token(alice)
    selectors.principal_of_token(plaintext)

    with django_assert_num_queries(0):
        assert selectors.principal_of_token(plaintext).name == "alice"


@pytest.mark.django_db(transaction=True)
def test_a_cold_token_costs_two_queries(make_token, alice, django_assert_num_queries):
    plaintext = make_token(alice)

    with django_assert_num_queries(2):
        selectors.principal_of_token(plaintext)


@pytest.mark.django_db(transaction=True)
def test_a_revocation_holds_at_once_in_this_process(make_token, alice):
    plaintext = make_token(alice)
    selectors.principal_of_token(plaintext)

    services.revoke_token(token=Token.objects.get(), actor=alice)

    with pytest.raises(InvalidToken):
        selectors.principal_of_token(plaintext)


@pytest.mark.django_db(transaction=True)
def test_a_revocation_elsewhere_holds_within_seconds(make_token, alice, monkeypatch):
    plaintext = make_token(alice)
    selectors.principal_of_token(plaintext)
    Token.objects.update(revoked_at=clock.now())  # as another process would: our memory hears nothing of it
    assert selectors.principal_of_token(plaintext).name == "alice"

    later = recent.time.monotonic() + recent.LIFETIME_S
    monkeypatch.setattr("accounts.recent.time.monotonic", lambda: later)

    assert recent.LIFETIME_S <= 5
    with pytest.raises(InvalidToken):
        selectors.principal_of_token(plaintext)


@pytest.mark.django_db(transaction=True)
def test_a_remembered_token_still_expires_to_the_moment(make_token, alice, stop_clock):
    plaintext = make_token(alice, expires_at=clock.now() + timedelta(hours=1))
    selectors.principal_of_token(plaintext)

    stop_clock(clock.now() + timedelta(hours=1))

    with pytest.raises(InvalidToken):
        selectors.principal_of_token(plaintext)


@pytest.mark.django_db(transaction=True)
def test_a_changed_role_holds_at_once_in_this_process(make_token, bob, project):
    plaintext = make_token(bob)
    assert selectors.principal_of_token(plaintext).role_in(project) == Role.CONTRIBUTOR

    services.remove_member(account=Account.objects.get(name="bob"), project=project, actor=system_principal())

    assert selectors.principal_of_token(plaintext).role_in(project) is None
    assert not Membership.objects.filter(account__name="bob").exists()


def test_last_use_is_noted_at_most_once_a_minute(make_token, alice, django_assert_num_queries):
    make_token(alice)
    token = Token.objects.get()

    with django_assert_num_queries(1):
        for _ in range(5):
            services.note_token_use(token.uuid)

    token.refresh_from_db()
    assert token.last_used_at is not None
