"""Values, steps, params and tags of a run: whatever can be recorded is, anything else is told once and never raised."""

import array
import math
from decimal import Decimal
from pathlib import Path

import lineal
import numpy as np
import pytest


class Tensor:
    """As a 0-d tensor of a library that is not installed here."""

    shape = ()

    def item(self):
        return 2.5


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (1, 1.0),
        (True, 1.0),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3.0),
        (np.array(4.0), 4.0),
        (np.array([5.0]), 5.0),
        (np.bool_(False), 0.0),
        (Tensor(), 2.5),
        (Decimal("0.25"), 0.25),
        (math.inf, math.inf),
        (-math.inf, -math.inf),
    ],
)
def test_whatever_is_a_number_is_logged_as_one(fake, warnings, given, stored):
    with lineal.start_run("churn") as run:
        run.log({"value": given})

    assert fake.runs[run.id].values("value") == [stored]
    assert warnings() == []


def test_nan_survives(fake):
    with lineal.start_run("churn") as run:
        run.log({"value": math.nan}, step=3)

    assert math.isnan(fake.runs[run.id].values("value")[0])


@pytest.mark.parametrize("given", ["0.5", None, [1.0], np.array([1.0, 2.0]), 1j, object(), 10**400, {"a": 1}])
def test_whatever_is_no_number_is_skipped_and_told_once(fake, warnings, given):
    with lineal.start_run("churn") as run:
        for _ in range(3):
            run.log({"bad": given, "good": 1.0})

    assert fake.runs[run.id].values("good") == [1.0, 1.0, 1.0]
    assert "bad" not in fake.runs[run.id].points
    assert len(warnings()) == 1
    assert "'bad' is skipped" in warnings()[0]


def test_a_dict_that_is_used_again_is_logged_as_it_was(fake):
    metrics = {"loss": 1.0}
    with lineal.start_run("churn") as run:
        run.log(metrics, step=1)
        metrics["loss"] = 2.0
        run.log(metrics, step=2)

    assert fake.runs[run.id].values("loss") == [1.0, 2.0]


@pytest.mark.parametrize("step", [np.int64(7), 7.0, True + 6])
def test_whole_numbers_of_any_type_are_steps(fake, step):
    with lineal.start_run("churn") as run:
        run.log({"loss": 1.0}, step=step)

    assert fake.runs[run.id].points["loss"][0][0] == 7


@pytest.mark.parametrize("step", ["one", 1.5, 2**63, [1]])
def test_a_step_that_is_none_is_told_and_the_value_is_kept(fake, warnings, step):
    with lineal.start_run("churn") as run:
        run.log({"loss": 1.0}, step=step)

    assert fake.runs[run.id].points["loss"][0][0] == 0
    assert "a step is a whole number" in warnings()[0]


def test_params_and_tags_arrive_as_they_are_meant(fake):
    params = {"lr": 3e-4, "layers": np.int32(3), "opt": {"name": "adam", "betas": (0.9, 0.999)}, "path": Path("a/b")}
    with lineal.start_run("churn", params=params, tags={"team": "risk", "n": 1}) as run:
        run.log_params({"big": 2**70, "none": None, "flag": np.bool_(True), "bad": "caf\ud800"})
        run.set_tag("team", None)

    stored = fake.runs[run.id]
    assert stored.params == {
        "lr": 3e-4,
        "layers": 3,
        "opt.name": "adam",
        "opt.betas": "[0.9, 0.999]",
        "path": "a/b",
        "big": str(2**70),
        "none": None,
        "flag": True,
        "bad": "caf?",
    }
    assert stored.tags == {"team": None, "n": "1"}


def test_the_run_says_where_it_came_from(fake, monkeypatch):
    monkeypatch.setattr("sys.argv", ["train.py", "--lr", "0.1"])

    with lineal.start_run("churn", name="first", description="why", parent="a" * 32) as run:
        pass

    body = fake.runs[run.id].body
    assert body["experiment"] == "churn"
    assert body["name"] == "first"
    assert body["parent"] == "a" * 32
    assert body["environment"]["digest"].startswith("sha256:")
    assert body["entry_point"] == "train.py --lr 0.1"
    assert run.url == f"{fake.url}/projects/default/runs/{run.id}"


@pytest.mark.parametrize("experiment", ["", "x" * 251, "a\nb", 5])
def test_an_experiment_that_cannot_be_is_refused_at_the_start(fake, experiment):
    with pytest.raises(ValueError, match="experiment"):
        lineal.start_run(experiment)


def test_histories_are_arrays():
    from lineal._results import array_of

    assert array_of("d", array.array("d", [1.0, math.inf]).tobytes()).tolist() == [1.0, math.inf]


@pytest.mark.parametrize("given", [None, 0.5, [("loss", 1.0)], "loss", {"loss"}], ids=str)
def test_metrics_that_are_no_mapping_are_told_once_and_raise_nothing(fake, warnings, given):
    with lineal.start_run("churn") as run:
        for _ in range(3):
            run.log(given)
        run.log({"loss": 1.0})

    assert fake.runs[run.id].values("loss") == [1.0]
    (told,) = warnings()
    assert "metrics are a dict of numbers by name" in told


def test_a_dict_that_another_thread_changes_meanwhile_raises_nothing(fake, warnings):
    class Changing(dict):
        def values(self):
            raise RuntimeError("dictionary changed size during iteration")

    with lineal.start_run("churn") as run:
        run.log(Changing(loss=1.0))

    assert len(warnings()) == 1
