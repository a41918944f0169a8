"""Signing in to the pages: once per link, for twelve idle hours, for seven days at most."""

from datetime import timedelta

import pytest

from accounts import secrets, selectors, services
from accounts.errors import AccountInactive, InvalidLoginLink, InvalidToken, WiderThanMaker
from accounts.models import LoginLink, PageSession, Token
from core import clock
from core.access import system_principal
from core.errors import Invalid


@pytest.fixture
def link(alice, alice_account):
    """The secret of a fresh link of Alice's."""
    return services.create_login_link(account=alice_account, actor=alice)[1]


def test_a_link_signs_in_once(link, recorded_actions):
    _, secret = services.exchange_login_link(secret=link)

    assert selectors.principal_of_session(secret).name == "alice"
    with pytest.raises(InvalidLoginLink):
        services.exchange_login_link(secret=link)
    assert PageSession.objects.count() == 1
    assert recorded_actions()[-2:] == ["login_link.create", "session.begin"]


def test_of_many_exchanges_at_once_one_wins(at_once, link):
    """Compare-and-set: a link that leaked is either spent by its owner or by the thief, never by both."""
    results = at_once([lambda: services.exchange_login_link(secret=link)] * 6)

    assert len([result for result in results if isinstance(result, InvalidLoginLink)]) == 5
    assert PageSession.objects.count() == 1


def test_a_link_ends_after_ten_minutes(link, stop_clock):
    stop_clock(clock.now() + timedelta(minutes=10))

    with pytest.raises(InvalidLoginLink):
        services.exchange_login_link(secret=link)


def test_an_unknown_link_is_refused(db):
    with pytest.raises(InvalidLoginLink):
        services.exchange_login_link(secret=secrets.new_secret())


def test_neither_link_nor_session_is_stored_in_clear(link):
    _, secret = services.exchange_login_link(secret=link)

    rows = str(list(LoginLink.objects.values())) + str(list(PageSession.objects.values()))
    assert link not in rows
    assert secret not in rows


def test_signing_in_rotates_the_session(alice, alice_account, link):
    """A cookie from before the sign-in, planted or stolen, is worth nothing after it."""
    _, before = services.exchange_login_link(secret=link)
    _, again = services.create_login_link(account=alice_account, actor=alice)

    _, after = services.exchange_login_link(secret=again, replacing=before)

    assert before != after
    assert selectors.principal_of_session(before) is None
    assert selectors.principal_of_session(after).name == "alice"


def test_a_session_slides_while_it_is_used(link, stop_clock):
    session, secret = services.exchange_login_link(secret=link)
    start = session.created_at

    stop_clock(start + timedelta(hours=11))
    services.note_session_use(selectors.find_session(secret))
    stop_clock(start + timedelta(hours=22))
    assert selectors.find_session(secret) is not None

    stop_clock(start + timedelta(hours=23))
    assert selectors.find_session(secret) is None


def test_a_session_idle_for_twelve_hours_has_ended(link, stop_clock):
    session, secret = services.exchange_login_link(secret=link)

    stop_clock(session.created_at + timedelta(hours=12))

    assert selectors.principal_of_session(secret) is None


def test_a_busy_session_ends_after_seven_days(link, stop_clock):
    session, secret = services.exchange_login_link(secret=link)
    moment = session.created_at
    while moment < session.created_at + timedelta(days=7) - timedelta(hours=6):
        moment += timedelta(hours=6)
        stop_clock(moment)
        services.note_session_use(selectors.find_session(secret))

    stop_clock(session.created_at + timedelta(days=7))

    assert selectors.find_session(secret) is None


def test_use_is_noted_at_most_every_five_minutes(link, django_assert_num_queries, stop_clock):
    session, secret = services.exchange_login_link(secret=link)
    stop_clock(session.created_at + timedelta(minutes=4))

    with django_assert_num_queries(1):
        services.note_session_use(selectors.find_session(secret))


def test_signing_out_ends_the_session(link, alice, recorded_actions):
    session, secret = services.exchange_login_link(secret=link)

    services.end_session(session=session, actor=alice)
    services.end_session(session=session, actor=alice)

    assert selectors.principal_of_session(secret) is None
    assert recorded_actions().count("session.end") == 1


@pytest.mark.parametrize("options", [{"scopes": ("read",)}, {"bound": True}])
def test_a_restricted_token_opens_no_session(make_token, alice, alice_account, project, options):
    """The session would do all that the account may: wider than the token that asked for it."""
    bound = {"project": project} if options.pop("bound", False) else {}
    plaintext = make_token(alice, **options, **bound)

    with pytest.raises(WiderThanMaker):
        services.create_login_link(account=alice_account, actor=selectors.principal_of_token(plaintext))
    with pytest.raises(WiderThanMaker):
        services.exchange_token(plaintext=plaintext)


def test_a_session_ends_with_the_token_it_stems_from(make_token, alice, alice_account):
    ends = clock.now() + timedelta(hours=1)
    plaintext = make_token(alice, expires_at=ends)
    _, link = services.create_login_link(account=alice_account, actor=selectors.principal_of_token(plaintext))

    by_link, _ = services.exchange_login_link(secret=link)
    by_token, _ = services.exchange_token(plaintext=plaintext)

    assert by_link.ends_at == by_token.ends_at == ends


def test_a_session_is_worth_nothing_once_its_token_is_revoked(make_token, alice):
    """Even when the row outlived the revocation, as after a race between the two."""
    _, secret = services.exchange_token(plaintext=make_token(alice))

    Token.objects.update(revoked_at=clock.now())

    assert selectors.principal_of_session(secret) is None


def test_a_wrong_token_opens_no_session(db):
    with pytest.raises(InvalidToken):
        services.exchange_token(plaintext=secrets.new_token().plaintext)


def test_services_do_not_sign_in_to_pages(make_account, make_token, principal):
    robot = make_account("robot", kind="service")

    with pytest.raises(Invalid):
        services.create_login_link(account=robot, actor=system_principal())
    with pytest.raises(Invalid):
        services.exchange_token(plaintext=make_token(principal(robot)))


def test_a_deactivated_account_signs_in_no_more(make_account, root):
    carol = make_account("carol")
    _, link = services.create_login_link(account=carol, actor=root)
    services.deactivate_account(account=carol, actor=root)

    with pytest.raises(InvalidLoginLink):
        services.exchange_login_link(secret=link)
    with pytest.raises(AccountInactive):
        services.create_login_link(account=carol, actor=root)


def test_what_has_ended_is_swept_out(link, alice, alice_account, stop_clock, run_jobs):
    from django.db import transaction

    from core import jobs

    services.exchange_login_link(secret=link)
    stop_clock(clock.now() + timedelta(days=8))
    _, fresh = services.create_login_link(account=alice_account, actor=alice)
    _, living = services.exchange_login_link(secret=fresh)

    with transaction.atomic():
        jobs.enqueue("accounts.purge_expired")
    run_jobs()

    assert [selectors.find_session(living)] == list(PageSession.objects.all())
    assert not LoginLink.objects.exists()
