"""Figures as Prometheus would read them."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from core import scrape
from tests.registry.conftest import environment, make_version, promote, set_policy  # noqa: F401 - fixtures of another room


class Figures:
    """The samples of one scrape: `figures["lineal_jobs", {"task": "core.x"}]` is one that has at least these labels."""

    def __init__(self, text):
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self.samples = [sample for family in self.families.values() for sample in family.samples]

    def all(self, name, **labels):
        return [s for s in self.samples if s.name == name and labels.items() <= s.labels.items()]

    def sum(self, name, **labels):
        return sum(sample.value for sample in self.all(name, **labels))


@pytest.fixture
def figures():
    """`figures()`: what a scrape says now, nothing kept from before."""

    def read():
        scrape.kept.forget()
        return Figures(scrape.exposition().decode())

    yield read
    scrape.kept.forget()
