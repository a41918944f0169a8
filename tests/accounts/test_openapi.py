"""What OpenAPI says of accounts' routes is complete, and true."""

import pytest
from drf_spectacular.generators import SchemaGenerator

from tests.security.urlmap import walk

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def schema():
    return SchemaGenerator().get_schema(request=None, public=True)


def test_every_route_and_verb_is_described(schema):
    described = {
        (path, verb) for path, operations in schema["paths"].items() for verb in operations if verb != "parameters"
    }
    mapped = {
        (_spelled(found.route), verb.lower()) for found in walk() if found.room == "accounts" for verb in found.verbs
    }

    assert mapped <= described


def _spelled(route):
    import re

    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)


def test_every_operation_has_a_name_of_its_own(schema):
    names = [operation["operationId"] for path in schema["paths"].values() for operation in path.values()]

    assert len(names) == len(set(names))
    assert "put_projects_by_name_members_by_account" in names


def test_every_operation_says_how_it_refuses(schema):
    for path, operations in schema["paths"].items():
        for verb, operation in operations.items():
            statuses = set(operation["responses"])
            assert "429" in statuses, (verb, path)
            if operation["security"] != [{}]:
                assert {"401", "403", "404"} <= statuses, (verb, path)
            problem = operation["responses"]["429"]["content"]
            assert list(problem) == ["application/problem+json"]


def test_routes_that_ask_for_no_token_are_those_that_are_reviewed(schema):
    said = {
        path for path, operations in schema["paths"].items() for each in operations.values() if each["security"] == [{}]
    }

    assert said == {"/api/v1/server", "/api/v1/intake/{uuid}", "/healthz", "/readyz"} & set(schema["paths"])


def test_bodies_have_names_of_their_own(schema):
    names = set(schema["components"]["schemas"])

    assert {"ProjectsInputRequest", "TokensInputRequest", "NewTokenOut", "ProjectPageOut"} <= names
    assert "InputRequest" not in names


def test_answers_have_the_fields_that_are_described(schema, api, alice, project):
    described = schema["components"]["schemas"]
    client = api(alice)
    pairs = {
        "MeOut": client.get("me").json(),
        "ProjectOut": client.get("projects/default").json(),
        "MemberOut": client.get("projects/default/members").json()["items"][0],
        "AccountOut": client.get("users/alice").json(),
        "TokenOut": client.get("tokens").json()["items"][0],
        "NewTokenOut": client.post("tokens", json={"name": "x", "scopes": ["read"]}).json(),
        "LoginLinkOut": client.post("login-links", json={}).json(),
        "ServerOut": api(None).get("server").json(),
        "ProblemOut": client.get("projects/absent").json(),
    }

    for name, answer in pairs.items():
        assert set(answer) == set(described[name]["properties"]), name
