"""The signed heads: shown to everyone with an account, compared two by two, refused in words."""

import re

import pytest

from audit.merkle import verify_consistency
from audit.models import Anchor, AuditCheckpoint
from core.clock import now

pytestmark = pytest.mark.django_db

PAGE = "/audit/checkpoints"


@pytest.fixture
def heads(browser, alice, bob, project, sequence):
    """Sizes of three checkpoints, the smallest first."""
    from tests.web.story import new_run

    for name in ("one", "two", "three"):
        new_run(project, bob, name=name)
        sequence()
    return sorted(AuditCheckpoint.objects.values_list("size", flat=True))


def test_everyone_with_an_account_may_see_and_keep_them(browser, mallory, heads):
    html = browser(mallory).get(PAGE).content.decode()

    for size in heads:
        assert f'/api/v1/audit/checkpoints/{size}"' in html
    assert "lineal audit checkpoint --out" in html


def test_the_anonymous_are_sent_to_sign_in(browser, heads):
    assert browser().get(PAGE).status_code == 302


def test_before_the_first_one_the_page_says_so(browser, alice):
    assert "No checkpoint yet" in browser(alice).get(PAGE).content.decode()


def test_two_bring_a_proof_that_holds(browser, alice, heads):
    html = browser(alice).get(f"{PAGE}?old={heads[0]}&new={heads[-1]}").content.decode()
    path = [bytes.fromhex(each) for each in re.findall(r"<li><code>([0-9a-f]{64})</code>", html)]
    old, new = (AuditCheckpoint.objects.get(size=size) for size in (heads[0], heads[-1]))

    assert verify_consistency(old.size, new.size, bytes(old.root), bytes(new.root), path)
    assert 'data-proof="consistency"' in html
    assert "compare checkpoints with copies kept elsewhere" in html


def test_the_order_of_the_two_does_not_matter(browser, alice, heads):
    one, other = (
        browser(alice).get(f"{PAGE}?old={old}&new={new}").content.decode()
        for old, new in ((heads[0], heads[1]), (heads[1], heads[0]))
    )

    assert f"From {heads[0]} to {heads[1]} entries" in one
    assert f"From {heads[0]} to {heads[1]} entries" in other


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("old=1&new=x", 422),
        ("old=&new=2", 422),
        ("old=0&new=2", 422),
        ("old=99998&new=99999", 404),
        (f"old=1&new={'9' * 40}", 422),
    ],
)
def test_what_was_never_signed_is_refused_in_words(browser, alice, heads, query, status):
    answer = browser(alice).get(f"{PAGE}?{query}")

    assert answer.status_code == status
    assert 'role="alert"' in answer.content.decode()
    assert "data-proof" not in answer.content.decode()


def test_one_picked_twice_is_refused_in_words(browser, alice, heads):
    answer = browser(alice).get(f"{PAGE}?old={heads[0]}&new={heads[0]}")

    assert answer.status_code == 422
    assert "two different checkpoints" in answer.content.decode()


def test_where_copies_lie_is_told_to_administrators_of_the_server_alone(browser, alice, root, heads):
    Anchor.objects.create(
        kind="folder", checkpoint_id=heads[0], location="/secret/place", outcome=Anchor.Outcome.OK, at=now()
    )

    assert "Copies elsewhere" in browser(root).get(PAGE).content.decode()
    assert "Copies elsewhere" not in browser(alice).get(PAGE).content.decode()


def test_the_page_asks_the_database_a_bounded_number_of_questions(browser, alice, heads, django_assert_max_num_queries):
    visitor = browser(alice)

    with django_assert_max_num_queries(16):
        visitor.get(f"{PAGE}?old={heads[0]}&new={heads[-1]}")
