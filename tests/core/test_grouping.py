import threading

import pytest

from core.grouping import Grouped, Overloaded

LIMIT_S = 10


class Work:
    """Doubles numbers, and writes down which it got together. While `open` is unset, it waits."""

    def __init__(self):
        self.groups = []
        self.begun = threading.Event()
        self.open = threading.Event()
        self.open.set()

    def __call__(self, items):
        self.groups.append(list(items))
        self.begun.set()
        assert self.open.wait(LIMIT_S)
        return [ValueError(f"{item} is odd") if item % 2 else item * 2 for item in items]


@pytest.fixture
def work():
    return Work()


def in_threads(grouped, items, ready):
    """Submits each item in a thread of its own, one after the other; what came of each, once all ended."""
    outcomes = {}

    def submit(item):
        try:
            outcomes[item] = grouped.submit(item)
        except Exception as exc:
            outcomes[item] = exc

    threads = []
    for count, item in enumerate(items, start=1):
        threads.append(threading.Thread(target=submit, args=[item]))
        threads[-1].start()
        ready(count)
    return threads, outcomes


def wait_for_queue(grouped, length):
    deadline = threading.Event()
    for _ in range(LIMIT_S * 1_000):
        if len(grouped._waiting) == length:
            return
        deadline.wait(0.001)
    raise AssertionError("the callers did not come to wait")


def gather(grouped, work, items):
    """The first of `items` keeps the work busy until all the others wait."""
    work.open.clear()

    def ready(count):
        if count == 1:
            assert work.begun.wait(LIMIT_S)
        else:
            wait_for_queue(grouped, count - 1)

    threads, outcomes = in_threads(grouped, items, ready)
    work.open.set()
    for thread in threads:
        thread.join(LIMIT_S)
    return outcomes


def test_a_lone_caller_is_served_at_once(work):
    assert Grouped(work, most=10).submit(2) == 4
    assert work.groups == [[2]]


def test_those_who_come_while_one_is_served_are_served_together_in_order(work):
    outcomes = gather(Grouped(work, most=10), work, [0, 2, 4, 6])

    assert outcomes == {0: 0, 2: 4, 4: 8, 6: 12}
    assert work.groups == [[0], [2, 4, 6]]


def test_a_group_has_a_bound_and_the_rest_follows(work):
    gather(Grouped(work, most=2), work, [0, 2, 4, 6, 8, 10])

    assert work.groups == [[0], [2, 4], [6, 8], [10]]


def test_one_who_fails_fails_alone(work):
    outcomes = gather(Grouped(work, most=10), work, [0, 3, 4])

    assert outcomes[4] == 8
    assert isinstance(outcomes[3], ValueError)
    assert work.groups == [[0], [3, 4]]


def test_when_the_work_itself_breaks_all_of_the_group_hear_of_it_and_the_next_group_is_served():
    calls = []

    def fail_once(items):
        calls.append(list(items))
        if len(calls) == 1:
            raise OSError("the disk is gone")
        return list(items)

    grouped = Grouped(fail_once, most=10)

    with pytest.raises(OSError, match="the disk is gone"):
        grouped.submit(1)
    assert grouped.submit(2) == 2


def test_nobody_is_forgotten_under_load(work):
    grouped = Grouped(work, most=4)
    threads, outcomes = in_threads(grouped, range(0, 400, 2), lambda count: None)
    for thread in threads:
        thread.join(LIMIT_S)

    assert outcomes == {item: item * 2 for item in range(0, 400, 2)}
    assert sorted(item for group in work.groups for item in group) == list(range(0, 400, 2))
    assert max(map(len, work.groups)) <= 4


def test_several_items_of_one_caller_are_served_in_order_and_each_hears_its_own(work):
    grouped = Grouped(work, most=2)

    outcomes = grouped.submit_all([2, 3, 4, 6])

    assert [outcomes[0], *outcomes[2:]] == [4, 8, 12]
    assert str(outcomes[1]) == "3 is odd"
    assert work.groups == [[2, 3], [4, 6]]
    assert grouped.submit_all([]) == []


def test_more_than_may_wait_is_told_to_come_again(work):
    """What waits is bounded by its weight; a caller who finds nobody waiting is let in, however heavy."""
    grouped = Grouped(work, most=1, weigh=lambda item: item, most_weight=10)
    work.open.clear()

    def ready(count):
        if count == 1:
            assert work.begun.wait(LIMIT_S)
        else:
            wait_for_queue(grouped, 1)

    threads, outcomes = in_threads(grouped, [100, 6], ready)  # one is served, one waits
    with pytest.raises(Overloaded) as refused:
        grouped.submit(8)
    later, _ = in_threads(grouped, [4], lambda _: wait_for_queue(grouped, 2))
    work.open.set()
    for thread in threads + later:
        thread.join(LIMIT_S)

    assert refused.value.retry_after_s == 1
    assert outcomes == {100: 200, 6: 12}
    assert work.groups == [[100], [6], [4]]
    assert grouped.submit(8) == 16


def test_nobody_joins_a_queue_that_does_not_move(work):
    grouped = Grouped(work, most=1, patience_s=0.0)
    work.open.clear()

    def ready(count):
        if count == 1:
            assert work.begun.wait(LIMIT_S)
        else:
            wait_for_queue(grouped, 1)

    threads, outcomes = in_threads(grouped, [2, 4], ready)
    with pytest.raises(Overloaded):
        grouped.submit(6)
    work.open.set()
    for thread in threads:
        thread.join(LIMIT_S)

    assert outcomes == {2: 4, 4: 8}
