"""Reads of models and versions."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from django.db.models import QuerySet

from core import prepared, rows
from core.access import ProjectRef
from core.errors import NotFound
from registry.errors import ModelMissing, VersionMissing
from registry.models import Alias, ManifestFile, Model, ModelVersion, Slot
from registry.names import can_be_asked_for

BATCH = 500  # keys in one query
DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)

T = TypeVar("T")


def get_model(*, project: ProjectRef, name: str) -> Model:
    """Raises ModelMissing."""
    model = find_models(project=project, names=[name]).get(name)
    if model is None:
        raise ModelMissing(name[:80])
    return model


def find_models(*, project: ProjectRef, names: Sequence[str]) -> dict[str, Model]:
    """Those that there are, by name, whatever became of them. One query for each 500."""
    nameable = [name for name in names if can_be_asked_for(name)]
    found: dict[str, Model] = {}
    for some in _in_batches(nameable):
        models = Model.objects.select_related("project").filter(project_id=project.id, name__in=some)
        found |= {model.name: model for model in models}
    return found


def list_models(*, project: ProjectRef, deleted: bool = False) -> QuerySet[Model]:
    """By name: those that live, or those in the bin."""
    models = Model.objects.filter(project_id=project.id, deleted_at__isnull=not deleted)
    return models.filter(purged_at=None).order_by("name")


def get_version(*, model: Model, ref: str | int) -> ModelVersion:
    """The version of that number or `sha256:…`, with its run and seal. Where several runs gave the same bytes, the newest that may be
    used.

    Raises:
        VersionMissing: there is none, or `ref` is neither.
    """
    text = str(ref)
    found = find_versions(model=model, refs=[text]).get(text)
    if found is None:
        raise VersionMissing(model.name, text[:80])
    return found


def ask_version(*, project: ProjectRef, model: str, ref: str | int) -> Callable[[Model], ModelVersion]:
    """As `get_version` without run and seal, of a model by its name: asked for now and answered later (`prepared.ask`), as of that
    model once it is known. The answer raises VersionMissing.
    """
    text = str(ref)
    number, digest = _as_number(text), DIGEST.fullmatch(text)
    if number is None and digest is None:
        asked = _nothing
    else:
        asked = prepared.ask(
            f"SELECT {rows.columns(ModelVersion, 'version')} FROM registry_model model "  # noqa: S608 - columns of ours
            "JOIN registry_modelversion version ON version.model_id = model.id WHERE model.project_id = %s "
            f"AND model.name = %s AND version.{'number' if digest is None else 'digest'} = %s ORDER BY version.number DESC",
            [project.id, model, number if digest is None else text],
        )

    def answer(found: Model) -> ModelVersion:
        versions = [rows.read(ModelVersion, row) for row in asked()]
        for version in versions:
            version.model = found
        if not versions:
            raise VersionMissing(found.name, text[:80])
        return next((version for version in versions if not version.is_barred), versions[0])

    return answer


def _nothing() -> list[Any]:
    return []


def _as_number(ref: str) -> int | None:
    return int(ref) if ref.isdecimal() and ref.isascii() and len(ref) < 10 else None


def find_versions(*, model: Model, refs: Sequence[str]) -> dict[str, ModelVersion]:
    """As `get_version`, for many: those that there are, by their refs. A query for 500 numbers, and one for 500 digests."""
    numbers = {ref: number for ref in refs if (number := _as_number(ref)) is not None}
    digests = [ref for ref in refs if DIGEST.fullmatch(ref)]
    versions = all_versions(model=model)
    by_number: dict[int, ModelVersion] = {}
    for some in _in_batches(sorted(set(numbers.values()))):
        by_number |= {version.number: version for version in versions.filter(number__in=some)}
    found = {ref: by_number[number] for ref, number in numbers.items() if number in by_number}
    for several in _in_batches(digests):
        for version in versions.filter(digest__in=several):  # newest first
            if version.digest not in found or (found[version.digest].is_barred and not version.is_barred):
                found[version.digest] = version
    return found


def _in_batches(keys: Sequence[T]) -> Iterator[Sequence[T]]:
    return (keys[start : start + BATCH] for start in range(0, len(keys), BATCH))


def list_versions(*, model: Model, deleted: bool = False) -> QuerySet[ModelVersion]:
    """Newest first, with model, run and seal: those that live, or those in the bin. Purged ones are in neither."""
    versions = all_versions(model=model).filter(purged_at=None)
    if model.deleted_at is not None:
        return versions if deleted else versions.none()
    return versions.filter(deleted_at__isnull=not deleted)


def all_versions(*, model: Model) -> QuerySet[ModelVersion]:
    """Newest first, with run and seal, whatever became of them; `model` itself is their model, and not read again."""
    return model.versions.select_related("run", "seal").order_by("-number")


def find_version_at(*, model: Model, name: str) -> ModelVersion | None:
    """What an environment or an alias of that name points at; the environment comes first."""
    slot = Slot.objects.select_related("version").filter(model=model, environment__name=name).first()
    if slot is not None:
        return slot.version
    alias = Alias.objects.select_related("version").filter(model=model, name=name).first()
    return alias.version if alias is not None else None


def manifest_files(version: ModelVersion) -> list[ManifestFile]:
    """Lines of the manifest in their order: by the UTF-8 bytes of the path. One query."""
    files = ManifestFile.objects.filter(version=version).select_related("blob")
    return sorted(files, key=lambda file: file.path.encode())


def get_manifest_file(version: ModelVersion, path: str) -> ManifestFile:
    """Raises NotFound."""
    file = ManifestFile.objects.select_related("blob").filter(version=version, path=path).first()
    if file is None:
        raise NotFound(f"The manifest of {version.label} has no file '{path}'.")
    return file


def manifest_text(version: ModelVersion) -> str:
    """The text that the version's digest is of; `sha256sum -c` checks files against it."""
    return "".join(f"{file.blob.sha256}  {file.path}\n" for file in manifest_files(version))
