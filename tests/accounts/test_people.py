"""Accounts: made, changed, shut out, let in again."""

import pytest

from accounts import selectors, services
from accounts.errors import InvalidToken, LastAdmin, NameTaken
from accounts.models import Account, Token
from audit.models import AuditEvent, AuditPrivate
from core.access import Role, system_principal
from core.errors import Invalid, NotFound


def test_a_name_is_given_once_even_after_its_account_has_gone(make_account, root):
    services.deactivate_account(account=make_account("carol"), actor=root)

    with pytest.raises(NameTaken):
        make_account("carol")


def test_an_account_is_a_user_or_a_service(db):
    with pytest.raises(Invalid):
        services.create_account(kind="daemon", name="carol", actor=system_principal())


def test_no_password_exists_anywhere():
    """What is not stored cannot be guessed, reset by mistake or leak."""
    assert not [field.name for field in Account._meta.get_fields() if "password" in field.name]


def test_creating_an_account_leaves_evidence_and_keeps_what_is_personal_erasable(make_account):
    make_account("carol", email="carol@example.com", display_name="Carol Jones")

    event = AuditEvent.objects.get()
    assert event.action == "account.create"
    assert "carol@example.com" not in event.body
    assert "Carol Jones" not in event.body
    assert {"/after/email", "/after/display_name"} <= set(AuditPrivate.objects.values_list("path", flat=True))


def test_deactivation_ends_tokens_and_sessions(make_account, make_token, principal, root, recorded_actions):
    carol = make_account("carol")
    plaintext = make_token(principal(carol))
    _, link = services.create_login_link(account=carol, actor=root)
    _, session = services.exchange_login_link(secret=link)

    services.deactivate_account(account=carol, actor=root, reason="left")

    with pytest.raises(InvalidToken):
        selectors.principal_of_token(plaintext)
    assert selectors.principal_of_session(session) is None
    assert recorded_actions()[-1] == "account.deactivate"


def test_reactivation_brings_back_roles_and_no_secret(make_member, make_token, root, project):
    from core.access import Role

    carol = make_member("carol", Role.APPROVER)
    plaintext = make_token(carol)
    account = Account.objects.get(name="carol")
    services.deactivate_account(account=account, actor=root)

    services.reactivate_account(account=account, actor=root)

    account.refresh_from_db()
    assert selectors.principal_of(account).role_in(project) == Role.APPROVER
    assert Token.objects.get().revoked_at is not None
    with pytest.raises(InvalidToken):
        selectors.principal_of_token(plaintext)


def test_the_last_server_admin_stays_one(root):
    account = Account.objects.get(name="root")

    with pytest.raises(LastAdmin):
        services.deactivate_account(account=account, actor=root)
    with pytest.raises(LastAdmin):
        services.update_account(account=account, actor=root, is_server_admin=False)


def test_a_server_admin_may_go_once_there_is_another(root, make_account):
    make_account("second", is_server_admin=True)

    services.deactivate_account(account=Account.objects.get(name="root"), actor=root)

    assert not Account.objects.get(name="root").active


def test_doing_it_twice_leaves_one_entry(make_account, root, recorded_actions):
    carol = make_account("carol")
    for _ in range(2):
        services.update_account(account=carol, actor=root, display_name="Carol")
    for _ in range(2):
        services.deactivate_account(account=carol, actor=root)
    for _ in range(2):
        services.reactivate_account(account=carol, actor=root)

    assert recorded_actions()[-3:] == ["account.update", "account.deactivate", "account.reactivate"]


def test_one_knows_those_one_shares_a_project_with(alice, bob, mallory, root, make_member):
    make_member("robot", Role.CONTRIBUTOR, kind="service")

    def seen_by(viewer, **options):
        return [account.name for account in selectors.list_accounts(visible_to=viewer, **options)]

    everyone = ["alice", "bob", "mallory", "robot", "root"]
    assert seen_by(mallory) == ["mallory"]
    assert seen_by(bob) == ["alice", "bob", "robot"]
    assert seen_by(alice) == everyone, "whoever gives out roles has to find whom to give them to"
    assert seen_by(root) == everyone
    assert seen_by(bob, kind="service") == ["robot"]


def test_a_hidden_account_and_a_missing_one_are_told_apart_by_nothing(bob, mallory):
    with pytest.raises(NotFound) as hidden:
        selectors.get_account(name="mallory", visible_to=bob)
    Account.objects.filter(name="mallory").delete()
    with pytest.raises(NotFound) as missing:
        selectors.get_account(name="mallory", visible_to=bob)

    assert hidden.value.detail == missing.value.detail


@pytest.mark.parametrize("scopes", [("read",), ("log",)])
def test_a_narrow_token_of_an_admin_does_not_open_the_directory(make_token, alice, mallory, scopes):
    narrow = selectors.principal_of_token(make_token(alice, scopes=scopes))

    assert "mallory" not in [account.name for account in selectors.list_accounts(visible_to=narrow)]
