"""One request tells which version an alias or an environment leads to, and what is needed to load it."""

import pytest

from core.clock import text
from registry import selectors, services

pytestmark = pytest.mark.django_db


def test_alias_tells_its_version_and_what_loads_it(make_version, bob, api):
    version = make_version()
    services.update_version(version=version, changes={"tags": {"team": "risk"}, "description": "small"}, actor=bob)
    alias = services.set_alias(model=version.model, name="champion", version=version, actor=bob)

    answer = api(bob).get("models/fraud/aliases/champion")

    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    assert answer.json() == {
        "alias": "champion",
        "version": version.number,
        "digest": version.digest,
        "lifecycle": "verified",
        "run": version.run.uuid.hex,
        "artifact": "model.bin",
        "description": "small",
        "tags": {"team": "risk"},
        "set_at": text(alias.set_at),
        "set_by": "bob",
        "is_environment": False,
    }


def test_it_agrees_with_the_list_of_all_names(make_version, promote, bob, api):
    version, other = make_version(), make_version()
    promote(version)
    services.set_alias(model=version.model, name="best", version=other, actor=bob)

    for listed in api(bob).get("models/fraud/aliases").json()["items"]:
        found = api(bob).get(f"models/fraud/aliases/{listed['alias']}").json()
        assert {key: found[key] for key in listed} == listed


def test_it_follows_a_move_at_once(make_version, bob, api):
    first, second = make_version(), make_version()
    client = api(bob)
    for version in (first, second, first):
        services.set_alias(model=first.model, name="champion", version=version, actor=bob)
        assert client.get("models/fraud/aliases/champion").json()["version"] == version.number


@pytest.mark.parametrize(
    "path", ["models/fraud/aliases/ghost", "models/ghost/aliases/best", "models/fraud/aliases/production"]
)
def test_what_leads_nowhere_is_not_found(make_version, bob, api, path):
    make_version()

    assert api(bob).get(path).status_code == 404


def test_an_alias_of_another_project_is_not_found_here(make_version, make_project, bob, api):
    elsewhere = make_project("elsewhere")
    version = make_version(of=elsewhere)
    services.set_alias(model=version.model, name="best", version=version, actor=bob)

    assert api(bob).get("models/fraud/aliases/best").status_code == 404
    assert api(bob).get("models/fraud/aliases/best?project=elsewhere").status_code == 404


def test_a_token_that_may_not_read_learns_nothing(make_version, bob, api):
    version = make_version()
    services.set_alias(model=version.model, name="best", version=version, actor=bob)

    assert api(bob, scopes=("log",)).get("models/fraud/aliases/best").status_code == 403
    assert api(None).get("models/fraud/aliases/best").status_code == 401


def test_head_has_the_answer_without_its_body(make_version, bob, api):
    version = make_version()
    services.set_alias(model=version.model, name="best", version=version, actor=bob)

    answer = api(bob).request("HEAD", "models/fraud/aliases/best", content_type="application/json")

    assert (answer.status_code, answer.content) == (200, b"")


def test_a_version_answers_as_it_is_listed_when_it_is_created_again(make_version, bob, api):
    """What has just been made has no names; what was there already keeps them in the answer."""
    version = make_version()
    services.set_alias(model=version.model, name="best", version=version, actor=bob)

    answer = api(bob).post("models/fraud/versions", json={"run": version.run.uuid.hex, "artifact": "model.bin"})

    assert (answer.status_code, answer.json()["aliases"]) == (200, ["best"])
    assert selectors.get_version(model=version.model, ref=version.number).digest == answer.json()["digest"]
