"""Input meant to hurt, or merely odd: it is stored or clearly refused, and neither a stream nor a run is ever stuck behind it."""

import math
from functools import reduce
from hashlib import sha256
from io import BytesIO

import msgspec
import pytest

from core.storage import get_store
from tracking import services
from tracking.errors import ChecksumMismatch
from tracking.models import Artifact, Upload

WRITER = "0193" * 8
NAN, INF = math.nan, math.inf
DEEP = reduce(lambda inner, _: {"a": inner}, range(200), {})


@pytest.fixture
def post(api, alice, make_run):
    """`post(sequence, params={…})`: a batch of Alice's; `post.run()` reads the run back as lists and pages do."""
    run, client = make_run(), api(alice)

    def send(sequence=1, *, json=None, **content):
        body = json or msgspec.msgpack.encode({"writer": WRITER, "sequence": sequence, **content})
        kind = "application/json" if json else "application/x-msgpack"
        path = f"/api/v1/runs/{run.uuid.hex}/batches"
        return client.client.post(path, data=body, content_type=kind, headers=client.headers)

    def read():
        response = client.get(f"runs/{run.uuid.hex}")
        assert response.status_code == 200
        assert client.post("runs/search", json={}).status_code == 200
        return response.json()

    send.run = read
    return send


def use(**facts):
    return {"inputs": [{"name": "train", **facts}]}


@pytest.mark.parametrize(
    "content",
    [
        {"params": {"a\0": "x"}},
        {"params": {"a": "x\0y"}},
        {"tags": {"a\0": "x"}},
        {"tags": {"a\0": None}},
        {"tags": {"a": "x\0y"}},
        {"metrics": [{"key": "a\0", "steps": b"", "times": b"", "values": b""}]},
        use(digest="a\0"),
        use(context="a\0b"),
        use(uri="a\0b"),
        use(source_version="a\0b"),
        use(profile={"a": ["x\0y"]}),
        use(profile={"a\0": 1}),
        use(schema=[{"name": "x\0y"}]),
        use(profile={"a": b"bytes"}),
        use(profile={"a": {1: 2}}),
        use(profile={"a": 2**64 - 1, "b": DEEP}),
        use(schema=[{"name": b"bytes"}]),
    ],
    ids=str,
)
def test_what_can_never_be_stored_is_named_and_the_stream_goes_on(post, content):
    refused = post(
        1, params={"kept": 1} | content.get("params", {}), **{k: v for k, v in content.items() if k != "params"}
    )

    assert refused.status_code == 200, refused.content
    assert len(refused.json()["rejected"]) == 1
    assert refused.json()["rejected"][0]["detail"]
    assert post(2).json()["last_sequence"] == 2
    assert post.run()["params"] == {"kept": 1}


def test_numbers_that_are_none_stay_readable_in_a_profile(post):
    """Profiles of real data are full of NaN; losing the lineage over them would be worse."""
    response = post(**use(profile={"mean": NAN, "max": INF, "bins": [-INF, 0.5]}, schema=[{"name": "a", "fill": NAN}]))

    assert response.json()["rejected"] == []
    version = services.datasets.DatasetVersion.objects.get()
    assert version.profile == {"mean": "NaN", "max": "Infinity", "bins": ["-Infinity", 0.5]}
    assert version.schema == [{"name": "a", "fill": "NaN"}]


def test_a_number_beyond_64_bits_does_not_hide_its_run(post):
    big = 2**70
    body = b'{"writer": "%s", "sequence": %d, "params": {"seed": %d}}'

    post(json=body % (WRITER.encode(), 1, big))
    assert post.run()["params"] == {"seed": str(big)}

    (refused,) = post(json=body % (WRITER.encode(), 2, big + 1)).json()["rejected"]
    assert (refused["stored"], refused["given"]) == (str(big), str(big + 1))


@pytest.mark.parametrize("value", [NAN, INF, -INF, 2**64 - 1, -(2**63)])
def test_an_extreme_param_is_stored_and_read(post, value):
    assert post(params={"x": value}).json()["rejected"] == []
    assert post.run()["params"]["x"] in (value, str(value), "NaN", "Infinity", "-Infinity")


@pytest.mark.parametrize(
    "path",
    [
        "experiments/a%00b",
        "datasets/a%00b",
        "datasets/t/versions/a%00b",
        "runs/%00",
        "runs/{run}/series?key=a%00",
        "runs/{run}/series/raw?key=a%00",
        "runs/{run}/artifacts?prefix=a%00",
        "lineage/trace?of=dataset:a%00b",
    ],
)
def test_an_address_with_nul_is_refused_clearly(api, alice, make_run, path):
    response = api(alice).get(path.replace("{run}", make_run().uuid.hex))

    assert response.status_code in (400, 404, 422)
    assert response.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("tags", [{"a\0": "b"}, {"": "b"}, {"k" * 251: "b"}])
def test_an_experiments_tags_are_checked(api, alice, tags):
    assert api(alice).post("experiments", json={"name": "x", "tags": tags}).status_code == 422
    assert api(alice).post("experiments", json={"name": "x"}).status_code == 201
    assert api(alice).patch("experiments/x", json={"tags": tags}).status_code == 422


@pytest.fixture
def announced(make_run):
    """`announced(content)`: an upload of that content, of which nothing has come yet."""

    def announce(content):
        digest = sha256(content).hexdigest()
        file = services.artifacts.check_announced(path="a", size=len(content), sha256=digest, field="files.0")
        (wanted,) = services.announce_files(run=make_run(), files=[file])
        return wanted.upload

    return announce


def test_bytes_written_over_after_the_right_ones_are_found_out(announced, project):
    """The right bytes arrive and are hashed; then others are sent over them, by a request that breaks off."""
    good, bad = b"x" * 1_000, b"y" * 1_000
    upload = announced(good)
    services.receive_part(upload=upload, offset=0, chunks=[good])

    def broken():
        yield bad
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        services.receive_part(upload=upload, offset=0, chunks=broken())

    with pytest.raises(ChecksumMismatch):
        services.commit_upload(upload=Upload.objects.get(pk=upload.pk))
    assert not get_store().exists(project.uuid, upload.sha256)
    assert not Artifact.objects.exists()


def test_a_digest_learnt_while_streaming_spares_the_second_reading(announced, monkeypatch):
    content = b"x" * 1_000
    upload = announced(content)
    services.receive_part(upload=upload, offset=0, chunks=[content[:10], content[10:]])
    monkeypatch.setattr(type(get_store()), "read_staged", lambda *_: BytesIO(b"not asked for"))

    artifact = services.commit_upload(upload=Upload.objects.get(pk=upload.pk))

    assert artifact.blob.sha256 == upload.sha256


def test_a_range_of_more_digits_than_any_file_has_is_no_range(api, alice, announced):
    upload = announced(b"x")
    services.receive_part(upload=upload, offset=0, chunks=[b"x"])
    services.commit_upload(upload=Upload.objects.get(pk=upload.pk))
    path = f"runs/{upload.run.uuid.hex}/artifacts/content?path=a"

    assert api(alice).get(path, headers={"range": f"bytes={'9' * 5_000}-"}).status_code == 200
