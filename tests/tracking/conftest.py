"""Runs and batches for the tests of this room."""

import struct
from uuid import uuid4

import msgspec
import pytest

from tracking import services
from tracking.metrics.points import make_points


@pytest.fixture(autouse=True)
def _own_store(home):
    """Each test has a blob store of its own."""


@pytest.fixture
def make_run(project, alice):
    """`make_run()`: a running run of Alice's in the experiment `churn`."""

    def make(experiment="churn", *, actor=None, **options):
        run, _ = services.create_run(project=project, experiment=experiment, actor=actor or alice, **options)
        return run

    return make


@pytest.fixture
def write(make_run):
    """`write(run, loss=[3.0, 2.0])`: the next batch of one writer; steps count from 0, a second apart."""
    writer = uuid4()
    sequences = {}

    def write(run, *, steps=None, params=None, tags=None, inputs=(), outputs=(), **metrics):
        sequence = sequences[run.pk] = sequences.get(run.pk, 0) + 1
        series = []
        for key, values in metrics.items():
            at = list(range(len(values))) if steps is None else steps
            series.append((key, make_points(at, [step * 1_000_000 for step in at], values)))
        return services.write_batch(
            run=run,
            writer=writer,
            sequence=sequence,
            metrics=series,
            params=params,
            tags=tags,
            inputs=inputs,
            outputs=outputs,
        )

    return write


@pytest.fixture
def packed():
    """`packed(writer, 1, loss=[(0, 0, 0.5)])`: the body of a batch as a client sends it; points are (step, µs, value)."""

    def pack(writer, sequence, *, params=None, tags=None, inputs=(), **metrics):
        return msgspec.msgpack.encode(
            {
                "writer": writer,
                "sequence": sequence,
                "metrics": [
                    {
                        "key": key,
                        "steps": struct.pack(f"<{len(points)}q", *(step for step, _, _ in points)),
                        "times": struct.pack(f"<{len(points)}q", *(time for _, time, _ in points)),
                        "values": struct.pack(f"<{len(points)}d", *(value for _, _, value in points)),
                    }
                    for key, points in metrics.items()
                ],
                "params": params or {},
                "tags": tags or {},
                "inputs": list(inputs),
            }
        )

    return pack
