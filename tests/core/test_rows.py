"""Rows stored and read by statements of our own are the rows that the ORM stores and reads."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from audit.models import AuditPrivate
from core import prepared, rows
from core.models import Job
from lineage.models import Node
from tests.registry import factories
from tracking.models import Blob

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 27, 3, 14, 27, 123456, tzinfo=UTC)


def new_job(name="core.test", **given):
    arguments = {"text": "naïve \N{SNOWMAN}", "number": 2**60, "none": None, "list": [1.5, True]}
    return Job(name=name, arguments=arguments, created_at=NOW, due_at=NOW + timedelta(seconds=1), **given)


def values_of(row):
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if not field.primary_key}


def read_by_hand(model, pk):
    asked = prepared.ask(f"SELECT {rows.columns(model, 'it')} FROM {model._meta.db_table} it WHERE it.id = %s", [pk])
    (found,) = asked()
    return rows.read(model, found)


def test_a_row_is_stored_as_the_orm_stores_it():
    ours, theirs = new_job(dedupe="a", request_id="r"), new_job(dedupe="b", request_id="r")
    rows.insert([ours])
    theirs.save()

    stored = {job.dedupe: values_of(job) | {"dedupe": None} for job in Job.objects.all()}
    assert stored["a"] == stored["b"] == values_of(theirs) | {"dedupe": None}


def test_a_row_is_read_as_the_orm_reads_it(project, bob):
    run = factories.new_run(project, bob)
    blob = Blob.objects.create(project=project, sha256="0" * 64, size=2**40, checked_at=NOW)
    node = Node.objects.create(project=project, kind="run", key="k", live=True)

    for row in (run, blob, node):
        model = type(row)
        found = read_by_hand(model, row.pk)
        assert (found.pk, values_of(found)) == (row.pk, values_of(model.objects.get(pk=row.pk)))
        assert not found._state.adding


def test_words_that_are_kept_as_numbers_and_bytes_go_the_way_of_their_fields(project):
    rows.insert([Node(project=project, kind="model_version", key="k")])
    assert Node.objects.get(key="k").kind == "model_version"

    with pytest.raises(ValueError, match="cloud"):
        rows.insert([Node(project=project, kind="cloud", key="k")])
    assert rows.columns(AuditPrivate, "it").startswith("it.id, it.event_id, it.path")


def test_more_rows_than_a_statement_takes_are_several_statements():
    rows.insert([new_job(f"job {at}") for at in range(1_201)])

    assert Job.objects.count() == 1_201


def test_no_rows_are_no_statement(django_assert_num_queries):
    with django_assert_num_queries(0):
        rows.insert([])


def test_a_row_of_a_known_identity_is_refused_or_left_out(project):
    rows.insert([Node(project=project, kind="run", key="k")])
    rows.insert(
        [Node(project=project, kind="run", key="k"), Node(project=project, kind="run", key="l")], skip_known=True
    )
    assert Node.objects.count() == 2

    with pytest.raises(IntegrityError), transaction.atomic():
        rows.insert([Node(project=project, kind="run", key="k")])


def test_a_single_row_gets_its_id_unless_there_is_one_like_it(project):
    first, second = (Node(project=project, kind="run", key="k") for _ in range(2))

    assert rows.insert_one(first, unless="(project_id, kind, key)")
    assert not rows.insert_one(second, unless="(project_id, kind, key)")

    assert (Node.objects.get().pk, second.pk) == (first.pk, None)
    first.live = True
    first.save()  # it knows that it is stored
    assert Node.objects.get().live


def test_only_the_named_fields_are_updated():
    job = new_job(dedupe="a")
    rows.insert_one(job)
    job.arguments, job.due_at, job.name = {"n": 1}, NOW, "other"

    rows.update(job, "arguments", "due_at")

    found = Job.objects.get()
    assert (found.arguments, found.due_at, found.name) == ({"n": 1}, NOW, "core.test")


@pytest.mark.django_db(transaction=True)
def test_a_flight_that_fails_stores_nothing_and_the_connection_goes_on():
    with pytest.raises(IntegrityError):
        _insert_twice_in_a_flight()

    assert Job.objects.count() == 0
    assert connection.get_autocommit()


def _insert_twice_in_a_flight():
    with prepared.pipeline(), transaction.atomic():
        rows.insert([new_job(dedupe="a")])
        rows.insert([new_job(dedupe="a")])
        prepared.settle()
