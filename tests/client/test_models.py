import json
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
from lineal import _models
from lineal._errors import DigestMismatch, LinealError, PickleRefused
from sklearn.linear_model import LogisticRegression

TABLE = pd.DataFrame({"age": [30, 40, 50, 60], "income": [1.0, 2.0, 3.0, 4.0]})


@pytest.fixture
def fitted():
    return LogisticRegression().fit(TABLE, [0, 0, 1, 1])


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "model"
    made.mkdir()
    return made


def test_a_scikit_learn_model_comes_back_as_it_was(fitted, folder):
    _models.save(fitted, folder, input_example=TABLE)

    loaded = _models.load(folder, digest=_models.manifest_digest(folder), allow_pickle=True)

    assert loaded.predict_proba(TABLE).tolist() == fitted.predict_proba(TABLE).tolist()


def test_the_description_says_what_it_is(fitted, folder):
    _models.save(fitted, folder, input_example=TABLE)

    description = json.loads((folder / "lineal-model.json").read_text())

    assert description["class"] == "sklearn.linear_model._logistic.LogisticRegression"
    assert [column["name"] for column in description["signature"]["columns"]] == ["age", "income"]
    assert "scikit-learn" in description["versions"]


def test_a_pickle_is_not_read_unasked(fitted, folder):
    _models.save(fitted, folder)

    with pytest.raises(PickleRefused, match="allow_pickle=True"):
        _models.load(folder, digest=_models.manifest_digest(folder))


def test_changed_bytes_are_not_read_even_when_pickles_are_allowed(fitted, folder):
    _models.save(fitted, folder)
    digest = _models.manifest_digest(folder)
    (folder / "model.joblib").write_bytes(b"evil")

    with pytest.raises(DigestMismatch):
        _models.load(folder, digest=digest, allow_pickle=True)


def test_plain_files_are_kept_under_their_names(tmp_path, folder):
    (tmp_path / "weights.onnx").write_bytes(b"onnx")

    description = _models.save(tmp_path / "weights.onnx", folder)

    assert description["files"] == ["weights.onnx"]
    assert (folder / "weights.onnx").read_bytes() == b"onnx"


def test_a_model_that_is_neither_is_refused_with_advice(folder):
    with pytest.raises(LinealError, match="save it to a file"):
        _models.save(object(), folder)


def test_a_missing_path_is_named(tmp_path, folder):
    with pytest.raises(LinealError, match="no model at"):
        _models.save(tmp_path / "nowhere", folder)


def test_an_array_has_a_shape_without_its_first_axis():
    assert _models.signature(np.zeros((5, 3), dtype="float32")) == {"shape": [None, 3], "type": "float32"}


def test_the_digest_is_that_of_the_registrys_manifest(folder):
    (folder / "b.txt").write_bytes(b"b")
    (folder / "a").mkdir()
    (folder / "a" / "x").write_bytes(b"x")
    text = f"{sha256(b'x').hexdigest()}  a/x\n{sha256(b'b').hexdigest()}  b.txt\n"

    assert _models.manifest_digest(folder) == f"sha256:{sha256(text.encode()).hexdigest()}"
