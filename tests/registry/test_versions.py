"""Models and versions: a version is the digest of its manifest, pinned to the seal of its run."""

import hashlib
import shutil
import subprocess

import pytest

from core.errors import Invalid, NotFound
from lineage import selectors as lineage
from registry import selectors, services
from registry.errors import ArtifactBarred, NameTaken, VersionBarred, VersionInUse
from registry.models import Model, ModelVersion
from registry.services import models, versions
from tests.registry.factories import seal_run
from tracking.models import Blob

pytestmark = pytest.mark.django_db


@pytest.fixture
def model(project, bob):
    return services.create_model(project=project, name="fraud", actor=bob)


def register(model, run, artifact, actor):
    version, files = services.register_version(
        project=model.project, model=model.name, run_id=run.uuid, artifact=artifact, actor=actor
    )
    return version, files is not None


def test_digest_is_that_of_the_manifest(model, make_run, make_artifact, bob):
    """Sorted by the bytes of the path, as sha256sum writes it."""
    run = make_run(bob)
    files = {"model/b.bin": b"b", "model/a/z.txt": b"z", "model/é.txt": b"e", "model/a.bin": b"a", "other.txt": b"no"}
    for path, content in files.items():
        make_artifact(run, path, content)

    version, is_new = register(model, run, "model", bob)

    names = ["a.bin", "a/z.txt", "b.bin", "é.txt"]
    text = "".join(f"{hashlib.sha256(files[f'model/{name}']).hexdigest()}  {name}\n" for name in names)
    assert is_new
    assert selectors.manifest_text(version) == text
    assert version.digest == f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs coreutils")
def test_coreutils_alone_check_the_manifest(model, make_run, make_artifact, bob, tmp_path):
    run = make_run(bob)
    for path in ("model/weights.bin", "model/deep/config.json"):
        make_artifact(run, path, path.encode())
        file = tmp_path / path.removeprefix("model/")
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(path.encode())
    version, _ = register(model, run, "model", bob)
    (tmp_path / "manifest").write_text(selectors.manifest_text(version))

    checked = subprocess.run(
        ["sha256sum", "--strict", "-c", "manifest"], cwd=tmp_path, capture_output=True, check=False
    )

    assert checked.returncode == 0, checked.stderr


def test_single_file_is_named_by_its_own_name(model, make_run, make_artifact, bob):
    run = make_run(bob)
    make_artifact(run, "out/model.onnx", b"x")

    version, _ = register(model, run, "out/model.onnx", bob)

    assert [file.path for file in selectors.manifest_files(version)] == ["model.onnx"]


def test_same_bytes_of_the_same_run_are_one_version(model, make_run, make_artifact, bob, recorded_actions):
    run, twin = make_run(bob), make_run(bob)
    for each in (run, twin):
        make_artifact(each, "m.bin", b"same")
    first, _ = register(model, run, "m.bin", bob)
    before = recorded_actions()

    again, is_new = register(model, run, "m.bin", bob)
    assert (again.pk, is_new, recorded_actions()) == (first.pk, False, before)

    other, _ = register(model, twin, "m.bin", bob)
    assert (other.number, other.digest) == (2, first.digest)


def test_digest_names_the_newest_version_that_may_be_used(model, make_run, make_artifact, bob, alice):
    versions = []
    for _ in range(3):
        run = make_run(bob)
        make_artifact(run, "m.bin", b"same")
        versions.append(register(model, run, "m.bin", bob)[0])
    services.retire_version(version=versions[2], reason="old", actor=alice)

    assert selectors.get_version(model=model, ref=versions[0].digest).number == 2
    assert selectors.get_version(model=model, ref="3").number == 3
    for missing in ("4", "0", "-1", "x", "", "٣", "9" * 30, "sha256:x", "sha256:" + "0" * 64, "\0"):
        with pytest.raises(NotFound):
            selectors.get_version(model=model, ref=missing)


def test_number_is_never_used_twice(model, make_run, make_artifact, bob, alice):
    run = make_run(bob)
    for n in range(3):
        make_artifact(run, f"{n}.bin", str(n).encode())
        version, _ = register(model, run, f"{n}.bin", bob)
        services.retire_version(version=version, reason="old", actor=alice)

    assert list(ModelVersion.objects.order_by("pk").values_list("number", flat=True)) == [1, 2, 3]


def test_nothing_is_registered_of_nothing(model, make_run, make_artifact, bob):
    run = make_run(bob)
    make_artifact(run, "m.bin", b"x", state=Blob.State.QUARANTINED)

    with pytest.raises(NotFound):
        register(model, run, "other.bin", bob)
    with pytest.raises(Invalid):
        register(model, run, "../m.bin", bob)
    with pytest.raises(ArtifactBarred):
        register(model, run, "m.bin", bob)

    assert not ModelVersion.objects.exists()


def test_version_pins_the_seal_of_its_registration(model, make_run, make_artifact, bob):
    run = make_run(bob)
    make_artifact(run, "m.bin", b"x")
    version, _ = register(model, run, "m.bin", bob)
    seal_run(run)
    services.pin_seals(run=run)

    version.refresh_from_db()
    assert version.seal.number == 1


def test_version_of_an_open_run_is_pinned_when_it_ends(model, make_run, make_artifact, bob, recorded_actions):
    """`register` inside the run's `with` block is common; the seal follows."""
    run = make_run(bob, sealed=False)
    make_artifact(run, "m.bin", b"x")
    version, _ = register(model, run, "m.bin", bob)
    assert version.seal is None

    assert services.pin_seals(run=run) == 0
    seal = seal_run(run)
    services.pin_seals(run=run)

    version.refresh_from_db()
    assert version.seal == seal
    assert recorded_actions()[-1] == "model_version.pin_seal"


def test_version_is_verified_when_every_byte_is(model, make_run, make_artifact, bob, recorded_actions):
    run = make_run(bob)
    for name in ("a", "b"):
        make_artifact(run, f"m/{name}", name.encode(), state=Blob.State.UNVERIFIED)
    version, _ = register(model, run, "m", bob)

    Blob.objects.filter(sha256=hashlib.sha256(b"a").hexdigest()).update(state="verified")
    assert services.review_version(version_id=version.pk).lifecycle == "candidate"
    Blob.objects.update(state="verified")
    assert services.review_version(version_id=version.pk).lifecycle == "verified"
    Blob.objects.update(state="quarantined")
    assert services.review_version(version_id=version.pk).lifecycle == "quarantined"
    Blob.objects.update(state="verified")
    assert services.review_version(version_id=version.pk).lifecycle == "quarantined"
    assert recorded_actions()[-2:] == ["model_version.verify", "model_version.quarantine"]


def test_announcement_of_verified_bytes_reaches_the_version(model, make_run, make_artifact, bob, run_jobs):
    from django.db import transaction

    from core import events

    run = make_run(bob)
    artifact = make_artifact(run, "m.bin", b"x", state=Blob.State.UNVERIFIED)
    version, _ = register(model, run, "m.bin", bob)
    run_jobs()
    Blob.objects.update(state="verified")
    with transaction.atomic():
        events.announce("blob.verified", project_id=run.project_id, sha256=artifact.blob.sha256)

    run_jobs()

    version.refresh_from_db()
    assert version.lifecycle == "verified"


def test_version_in_use_is_not_retired(make_version, promote, alice):
    version = make_version()
    promote(version)

    with pytest.raises(VersionInUse, match="production"):
        services.retire_version(version=version, reason="old", actor=alice)
    assert services.quarantine_version(version=version, reason="odd", actor=alice).lifecycle == "quarantined"


def test_retired_stays_retired(make_version, alice):
    version = make_version()
    services.retire_version(version=version, reason="old", actor=alice)

    with pytest.raises(VersionBarred):
        services.quarantine_version(version=version, reason="odd", actor=alice)


def test_line_leads_from_the_version_to_its_run(make_version):
    version = make_version()
    project = version.model.project

    for text in ("model:fraud/1", f"model:fraud@{version.digest}", "model:fraud", version.digest):
        graph = lineage.trace(starts=lineage.resolve(project, text))
        assert {node.kind for node in graph.nodes} == {"model_version", "run"}
    assert graph.of_kind("model_version")[0].about["label"] == "fraud v1"


def test_environments_and_aliases_name_versions_in_the_graph(make_version, promote, bob):
    first, second = make_version(), make_version()
    promote(first)
    services.set_alias(model=second.model, name="challenger", version=second, actor=bob)
    project = first.model.project

    assert [node.key for node in lineage.resolve(project, "model:fraud@production")] == [first.uuid.hex]
    assert [node.key for node in lineage.resolve(project, "model:fraud@challenger")] == [second.uuid.hex]
    for nothing in ("model:fraud@staging", "model:fraud/9", "model:fraud/x", "model:other", "model:fraud@sha256:0"):
        assert lineage.resolve(project, nothing) == []


@pytest.mark.parametrize("name", ["", " x", "a/b", "a@b", "a:b", "..", "x" * 251, "a\tb", "a\0b", "<b>"])
def test_names_that_would_be_read_otherwise_are_refused(project, bob, name):
    with pytest.raises(Invalid):
        services.create_model(project=project, name=name, actor=bob)


def test_name_is_taken_once_per_project(project, make_project, bob, model):
    with pytest.raises(NameTaken):
        services.create_model(project=project, name="fraud", actor=bob)

    assert services.create_model(project=make_project("other"), name="fraud", actor=bob).pk != model.pk
    assert services.create_model(project=project, name="Fraud Détection v2.1", actor=bob).name == "Fraud Détection v2.1"


def test_a_model_that_another_request_makes_meanwhile_is_taken(
    model, project, make_run, make_artifact, bob, monkeypatch, recorded_actions
):
    """Its name was free when this request looked, and was not when it wrote."""
    run = make_run(bob)
    make_artifact(run, "model.bin", b"x")
    looks, look = [], models.ask_model

    def too_early(**named):
        looks.append(named)
        return look(**named) if len(looks) > 2 else lambda: None

    monkeypatch.setattr(models, "ask_model", too_early)
    monkeypatch.setattr(versions, "ask_model", too_early)

    version, files = services.register_version(
        project=project, model="fraud", run_id=run.uuid, artifact="model.bin", actor=bob
    )

    assert (version.model.pk, version.number, len(looks)) == (model.pk, 1, 3)
    assert [file.path for file in files] == ["model.bin"]
    assert recorded_actions().count("model.create") == 1


def test_a_model_is_made_with_its_first_version_or_not_at_all(project, make_run, make_artifact, bob, recorded_actions):
    run = make_run(bob)
    make_artifact(run, "model.bin", b"x")
    named = {"project": project, "model": "new", "run_id": run.uuid, "actor": bob}

    with pytest.raises(NotFound):
        services.register_version(artifact="elsewhere.bin", **named)
    assert not Model.objects.filter(name="new").exists()

    services.register_version(artifact="model.bin", **named)
    assert recorded_actions()[-2:] == ["model.create", "model_version.register"]
