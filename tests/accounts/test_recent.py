"""The short memory of what was proven."""

import threading

import pytest
from django.db import transaction

from accounts import recent


@pytest.fixture
def memory():
    return recent.Recent()


@pytest.mark.django_db(transaction=True)
def test_a_value_is_loaded_once_while_it_is_fresh(memory):
    loads = []

    for _ in range(3):
        assert memory.get("key", lambda: loads.append(1) or "value") == "value"

    assert len(loads) == 1


@pytest.mark.django_db(transaction=True)
def test_a_value_is_loaded_again_when_its_time_is_up(memory, monkeypatch):
    clock = [1_000.0]
    monkeypatch.setattr("accounts.recent.time.monotonic", lambda: clock[0])
    memory.get("key", lambda: "old")

    clock[0] += recent.LIFETIME_S

    assert memory.get("key", lambda: "new") == "new"


@pytest.mark.django_db(transaction=True)
def test_nothing_read_inside_a_transaction_is_kept(memory):
    """It may be rolled back, and then nobody else should ever have seen it."""
    with transaction.atomic():
        memory.get("key", lambda: "uncommitted")

    assert memory.get("key", lambda: "committed") == "committed"


@pytest.mark.django_db(transaction=True)
def test_a_value_read_while_a_change_commits_is_not_kept(memory):
    """The reader may have seen the state before the change; keeping it would outlive the revocation."""

    def read_slowly():
        memory.forget_all()  # a revocation commits while we read
        return "old"

    assert memory.get("key", read_slowly) == "old"
    assert memory.get("key", lambda: "new") == "new"


@pytest.mark.django_db(transaction=True)
def test_a_failed_load_is_not_kept(memory):
    def fail():
        raise KeyError("key")

    with pytest.raises(KeyError):
        memory.get("key", fail)

    assert memory.get("key", lambda: "value") == "value"


@pytest.mark.django_db(transaction=True)
def test_the_memory_is_bounded(memory, monkeypatch):
    monkeypatch.setattr(recent, "MOST_ENTRIES", 10)

    for number in range(100):
        memory.get(number, lambda: "value")

    assert len(memory._kept) <= 10


@pytest.mark.django_db(transaction=True)
def test_many_threads_share_it(memory):
    from django.db import connection

    def read():
        for number in range(500):
            assert memory.get(number % 7, lambda: "value") == "value"
        connection.close()

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(memory._kept) == set(range(7))
