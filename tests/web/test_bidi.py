"""Names with signs that turn text stay within their isolate."""

import pytest
from django.template import Context, Template

from web.bidi import closed

LRI, RLI, FSI, PDI, RLO = "\u2066", "\u2067", "\u2068", "\u2069", "\u202e"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain", "plain"),
        (f"{RLO}evil", f"{RLO}evil"),  # ends with the isolate around it
        (f"{LRI}even{PDI}", f"{LRI}even{PDI}"),
        (f"a{RLO}b{LRI}c{RLI}d", f"a{RLO}b{LRI}c{RLI}d{PDI}{PDI}"),
        (f"a{PDI}{RLO}b", f"{FSI}a{PDI}{RLO}b"),
        (f"{PDI}a{LRI}", f"{FSI}{PDI}a{LRI}{PDI}"),
        ("", ""),
    ],
    ids=["plain", "override", "even", "left open", "closes ours", "both", "empty"],
)
def test_isolates_are_evened_out(name, shown):
    assert closed(name) == shown


def test_a_page_escapes_a_name_that_it_closes():
    page = Template("{% load lineal %}<bdi>{{ name|closed }}</bdi>").render(Context({"name": f"<b>{LRI}"}))
    assert page == f"<bdi>&lt;b&gt;{LRI}{PDI}</bdi>"
