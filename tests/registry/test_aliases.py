"""Aliases move freely and remember every move; names of environments do not move here."""

import pytest

from core.errors import Invalid, NotFound
from registry import selectors, services
from registry.errors import AliasIsEnvironment, NameTaken, VersionBarred

pytestmark = pytest.mark.django_db


def test_alias_moves_and_its_history_stays(make_version, bob, alice, recorded_actions):
    first, second = make_version(), make_version()
    model = first.model

    services.set_alias(model=model, name="challenger", version=first, actor=bob, reason="try")
    services.set_alias(model=model, name="challenger", version=second, actor=alice, reason="better")
    services.delete_alias(model=model, name="challenger", actor=alice)

    history = selectors.alias_history(model=model, name="challenger")
    moves = [
        (change.previous and change.previous.number, change.version and change.version.number) for change in history
    ]
    assert moves == [(2, None), (1, 2), (None, 1)]
    assert [(change.changed_by, change.reason) for change in history][1] == ("alice", "better")
    assert selectors.list_aliases(model=model) == []
    assert recorded_actions()[-3:] == ["alias.set", "alias.set", "alias.delete"]


def test_setting_it_where_it_points_leaves_no_trace(make_version, bob, recorded_actions):
    version = make_version()
    services.set_alias(model=version.model, name="best", version=version, actor=bob)
    before = recorded_actions()

    services.set_alias(model=version.model, name="best", version=version, actor=bob)

    assert recorded_actions() == before
    assert selectors.alias_history(model=version.model, name="best").count() == 1


def test_environments_are_shown_among_aliases_and_move_by_promotion_alone(make_version, promote, bob):
    version = make_version()
    promote(version)

    (view,) = selectors.list_aliases(model=version.model)

    assert (view.name, view.version, view.is_environment) == ("production", version, True)
    with pytest.raises(AliasIsEnvironment, match="promotion"):
        services.set_alias(model=version.model, name="production", version=make_version(), actor=bob)
    with pytest.raises(AliasIsEnvironment):
        services.delete_alias(model=version.model, name="production", actor=bob)


def test_first_environments_are_kept_free_before_anybody_lists_them(make_version, bob):
    version = make_version()

    with pytest.raises(AliasIsEnvironment):
        services.set_alias(model=version.model, name="staging", version=version, actor=bob)


def test_environment_does_not_take_an_alias_over(make_version, bob, alice, project):
    version = make_version()
    services.set_alias(model=version.model, name="canary", version=version, actor=bob)

    with pytest.raises(NameTaken):
        services.create_environment(project=project, name="canary", position=4, protected=False, actor=alice)


@pytest.mark.parametrize("name", ["", "1", "12", "latest", "Latest", "a b", "a/b", "x" * 65, "-a", "a\0"])
def test_names_that_mean_something_else_are_refused(make_version, bob, name):
    version = make_version()

    with pytest.raises(Invalid):
        services.set_alias(model=version.model, name=name, version=version, actor=bob)


def test_version_put_away_gets_no_alias(make_version, bob, alice):
    version = make_version()
    services.retire_version(version=version, reason="old", actor=alice)

    with pytest.raises(VersionBarred):
        services.set_alias(model=version.model, name="best", version=version, actor=bob)


def test_alias_that_is_not_there_cannot_be_deleted(make_version, bob):
    with pytest.raises(NotFound):
        services.delete_alias(model=make_version().model, name="ghost", actor=bob)
