"""Models as folders of files: `model.joblib` (or the user's own files) beside `lineal-model.json`, which says what they are.

    {"schema": "lineal-model/1", "flavor": "sklearn" | "files", "class": …, "versions": {…}, "signature": {…}, "files": […]}

Reading a pickle runs code, so `load` refuses unless it is allowed to and the bytes have the digest that was asked for.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lineal._errors import DigestMismatch, LinealError, PickleRefused

SCHEMA = "lineal-model/1"
DESCRIPTION = "lineal-model.json"
PICKLE = "model.joblib"


def save(model: Any, folder: Path, *, input_example: Any = None) -> dict[str, Any]:
    """Write `model` into the empty `folder`; its description. `model` is a scikit-learn object, or a path of a file or folder.

    Raises:
        LinealError: it is neither, or the path does not exist.
    """
    if isinstance(model, str | Path):
        description = _save_files(Path(model), folder)
    elif type(model).__module__.partition(".")[0] == "sklearn" or hasattr(model, "get_params"):
        description = _save_sklearn(model, folder)
    else:
        raise LinealError(
            f"log_model takes scikit-learn objects and paths, not {type(model).__name__}: save it to a file and pass its path"
        )
    if input_example is not None:
        description["signature"] = signature(input_example)
    (folder / DESCRIPTION).write_text(json.dumps(description, indent=1, sort_keys=True) + "\n")
    return description


def _save_sklearn(model: Any, folder: Path) -> dict[str, Any]:
    import joblib

    joblib.dump(model, folder / PICKLE)
    return {
        "schema": SCHEMA,
        "flavor": "sklearn",
        "class": f"{type(model).__module__}.{type(model).__qualname__}",
        "versions": _versions("scikit-learn", "joblib", "numpy"),
        "files": [PICKLE],
    }


def _save_files(source: Path, folder: Path) -> dict[str, Any]:
    if source.is_dir():
        shutil.copytree(source, folder, dirs_exist_ok=True)
    elif source.is_file():
        shutil.copy2(source, folder / source.name)
    else:
        raise LinealError(f"there is no model at {source}")
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    if DESCRIPTION in files:
        raise LinealError(f"{DESCRIPTION} is the name of the description that log_model writes; rename that file")
    return {"schema": SCHEMA, "flavor": "files", "versions": {}, "files": files}


def _versions(*distributions: str) -> dict[str, str]:
    found = {}
    for name in distributions:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def signature(example: Any) -> dict[str, Any]:
    """The columns of a table with their types, or the shape (without the first axis) and type of an array."""
    columns = getattr(example, "columns", None)
    if columns is not None:
        types = getattr(example, "dtypes", None)
        kinds = list(types.values()) if isinstance(types, Mapping) else list(types) if types is not None else []
        return {"columns": [{"name": str(name), "type": str(kind)} for name, kind in zip(columns, kinds, strict=True)]}
    shape: Sequence[int] | None = getattr(example, "shape", None)
    if shape is not None:
        return {"shape": [None, *shape[1:]], "type": str(example.dtype)}
    raise LinealError(f"an input example is a table or an array, not {type(example).__name__}")


def load(folder: Path, *, digest: str, allow_pickle: bool = False) -> Any:
    """The scikit-learn object in `folder`, whose manifest must have `digest` (`sha256:…`, as promoted or named by the caller).

    Raises:
        DigestMismatch: the files are not those that the digest names.
        PickleRefused: `allow_pickle` is not given. Only allow it for bytes whose maker you trust.
        LinealError: the folder holds plain files, which you read yourself.
    """
    found = manifest_digest(folder)
    if found != digest:
        raise DigestMismatch(f"the model in {folder} is {found}, not {digest}")
    description = json.loads((folder / DESCRIPTION).read_text())
    if description.get("flavor") != "sklearn":
        raise LinealError(f"{folder} holds plain files ({', '.join(description.get('files', []))}); read them yourself")
    if not allow_pickle:
        raise PickleRefused(
            "reading this model runs code from a pickle; say allow_pickle=True if you trust who made it"
        )
    import joblib

    return joblib.load(folder / PICKLE)


def manifest_digest(folder: Path) -> str:
    """The digest that the registry gives these files: of their `sha256sum -c` manifest, sorted by path."""
    from lineal import digest

    return digest.directory(folder)
