"""Tokens are made no wider than their makers, and shown once."""

from datetime import timedelta

import pytest

from accounts import selectors, services
from accounts.errors import AccountInactive, WiderThanMaker
from accounts.models import LoginLink, PageSession, Token
from core import clock
from core.errors import Invalid


@pytest.fixture
def signed_in(make_token):
    """`signed_in(alice, scopes=…)`: the Principal as a token of hers makes it."""
    return lambda person, **options: selectors.principal_of_token(make_token(person, **options))


def _create(account, actor, **options):
    given = {"name": "ci", "scopes": ["read"]} | options
    return services.create_token(account=account, actor=actor, **given)


def test_only_the_digest_is_stored(alice, alice_account):
    token, plaintext = _create(alice_account, alice)
    secret = plaintext[-43:]

    row = Token.objects.filter(pk=token.pk).values().get()
    assert secret not in str(row)
    assert token.prefix == plaintext[:16]
    assert selectors.principal_of_token(plaintext).name == "alice"


def test_making_one_leaves_evidence_without_the_secret(alice, alice_account, recorded_actions):
    from audit.models import AuditEvent, AuditPrivate

    _, plaintext = _create(alice_account, alice)

    assert recorded_actions()[-1] == "token.create"
    kept = str(list(AuditEvent.objects.values())) + str(list(AuditPrivate.objects.values()))
    assert plaintext[-43:] not in kept
    assert plaintext[:16] in kept


@pytest.mark.parametrize("scopes", [["*"], ["read", "promote"], ["promote"]])
def test_scopes_cannot_exceed_the_makers(signed_in, alice, alice_account, scopes):
    maker = signed_in(alice, scopes=("read", "manage"))

    with pytest.raises(WiderThanMaker):
        _create(alice_account, maker, scopes=scopes)


def test_the_makers_own_scopes_can_be_passed_on(signed_in, alice, alice_account):
    token, _ = _create(alice_account, signed_in(alice, scopes=("read", "manage")), scopes=["manage", "read", "read"])

    assert token.scopes == ["manage", "read"]


def test_a_bound_maker_makes_tokens_for_its_project_only(signed_in, alice, alice_account, project, make_project):
    other = make_project("other", admin=alice_account)
    maker = signed_in(alice, project=project)

    for wished in (None, other):
        with pytest.raises(WiderThanMaker):
            _create(alice_account, maker, project=wished)
    token, _ = _create(alice_account, maker, project=project)
    assert token.project == project


def test_a_token_does_not_outlive_its_maker(signed_in, alice, alice_account):
    ends = clock.now() + timedelta(days=1)
    maker = signed_in(alice, expires_at=ends)

    with pytest.raises(WiderThanMaker):
        _create(alice_account, maker, expires_at=ends + timedelta(seconds=1))
    token, _ = _create(alice_account, maker)
    assert token.expires_at == ends


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["read", "root"]}, "scopes"),
        ({"expires_at": clock.now() - timedelta(days=1)}, "expires_at"),
    ],
)
def test_a_token_that_makes_no_sense_is_refused(alice, alice_account, options, field):
    with pytest.raises(Invalid) as refused:
        _create(alice_account, alice, **options)

    assert refused.value.extra["errors"][0]["field"] == field
    assert not Token.objects.exists()


def test_a_deactivated_account_gets_none(alice, alice_account, make_account, root):
    carol = services.deactivate_account(account=make_account("carol"), actor=root)

    with pytest.raises(AccountInactive):
        _create(carol, root)


def test_revoking_ends_what_came_of_the_token(signed_in, alice, alice_account, recorded_actions):
    maker = signed_in(alice)
    _, spent = services.create_login_link(account=alice_account, actor=maker)
    _, secret = services.exchange_login_link(secret=spent)
    services.create_login_link(account=alice_account, actor=maker)
    assert selectors.principal_of_session(secret).name == "alice"

    services.revoke_token(token=Token.objects.get(uuid=maker.token_id), actor=alice)

    assert selectors.principal_of_session(secret) is None
    assert not PageSession.objects.exists()
    assert not LoginLink.objects.filter(used_at=None).exists()
    assert recorded_actions()[-1] == "token.revoke"


def test_revoking_twice_leaves_one_entry(alice, alice_account, recorded_actions):
    token, _ = _create(alice_account, alice)
    for _ in range(2):
        services.revoke_token(token=token, actor=alice)

    assert recorded_actions().count("token.revoke") == 1
