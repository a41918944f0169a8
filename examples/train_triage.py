"""Trains a tumour triage model on scikit-learn's breast-cancer data and records the run: an ordinary training script.

    python examples/train_triage.py --family boosting --learning-rate 0.05 --register triage

The data are 569 biopsies with 30 measured features each. The model's score decides which ones a pathologist sees first,
so a missed malignant tumour costs far more than a false alarm: recall at a fixed workload is reported beside AUC.
"""

import argparse
import tempfile
from pathlib import Path
from typing import NamedTuple

import lineal
import pandas as pd
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import cross_val_predict, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

TARGET = "malignant"
SPLIT_SEED = 11  # the same split for every run, so that their scores compare
REVIEWED_SHARE = 0.4  # the pathologist has time for the riskiest 40 %


class Split(NamedTuple):
    """The same biopsies in three parts that share none."""

    train: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame


def load_split(columns: str) -> Split:
    """Half to train on, a quarter to choose with, a quarter to judge by; `columns` is all, mean, error or worst."""
    frame = load_breast_cancer(as_frame=True).frame
    frame[TARGET] = 1 - frame.pop("target")  # scikit-learn calls benign 1
    if columns != "all":
        frame = frame[[name for name in frame if columns in name or name == TARGET]]
    rest, test = train_test_split(frame, test_size=0.25, random_state=SPLIT_SEED, stratify=frame[TARGET])
    train, validation = train_test_split(rest, test_size=0.25, random_state=SPLIT_SEED, stratify=rest[TARGET])
    return Split(train, validation, test)


def features(part: pd.DataFrame) -> pd.DataFrame:
    return part.drop(columns=TARGET)


def make_model(options: argparse.Namespace):
    if options.family == "logistic":
        return make_pipeline(StandardScaler(), LogisticRegression(C=options.c, max_iter=5_000))
    return GradientBoostingClassifier(
        learning_rate=options.learning_rate,
        n_estimators=options.iterations,
        max_depth=options.max_depth,
        subsample=0.7,
        random_state=options.seed,
    )


def log_boosting_curve(run, model: GradientBoostingClassifier, split: Split) -> None:
    """One point per boosting iteration: where the validation loss turns up again, the model begins to memorise."""
    stages = zip(
        model.staged_predict_proba(features(split.train)),
        model.staged_predict_proba(features(split.validation)),
        strict=True,
    )
    for step, (on_train, on_validation) in enumerate(stages):
        run.log(
            {
                "train_loss": log_loss(split.train[TARGET], on_train[:, 1]),
                "validation_loss": log_loss(split.validation[TARGET], on_validation[:, 1]),
                "validation_auc": roc_auc_score(split.validation[TARGET], on_validation[:, 1]),
            },
            step=step,
        )


def describe_training_data(run, model, split: Split) -> None:
    """What production will be compared with: the rows trained on, and what a model that has not seen them says of each."""
    known = features(split.train)
    risk = cross_val_predict(clone(model), known, split.train[TARGET], cv=4, method="predict_proba")[:, 1]
    said = (risk > 0.5).astype(int)
    profile = lineal.profile(known, predictions=said, scores=risk, labels=split.train[TARGET])
    run.log_profile(profile, name="reference")


def evaluate(model, part: pd.DataFrame) -> dict[str, float]:
    """AUC, log loss, and the share of malignant tumours among the riskiest `REVIEWED_SHARE`."""
    risk = pd.Series(model.predict_proba(features(part))[:, 1], index=part.index)
    reviewed = risk.nlargest(round(len(risk) * REVIEWED_SHARE)).index
    return {
        "auc": float(roc_auc_score(part[TARGET], risk)),
        "log_loss": float(log_loss(part[TARGET], risk)),
        "recall_at_40": float(part.loc[reviewed, TARGET].sum() / part[TARGET].sum()),
    }


def write_report(folder: Path, model, split: Split, scores: dict[str, float]) -> Path:
    """A page of text for the people who decide: scores, sizes, and the cases the model gets most wrong."""
    risk = model.predict_proba(features(split.test))[:, 1]
    cases = pd.DataFrame({"malignant": split.test[TARGET], "risk": risk.round(3)})
    cases["error"] = (cases["malignant"] - cases["risk"]).abs()
    lines = [
        "Triage model on the test part",
        *(f"  {name:<14}{value:.4f}" for name, value in scores.items()),
        f"  {'biopsies':<14}{len(cases)} ({int(cases['malignant'].sum())} malignant)",
        "",
        "The ten cases it gets most wrong:",
        cases.nlargest(10, "error").to_string(),
    ]
    path = folder / "report.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def train(options: argparse.Namespace) -> None:
    split = load_split(options.columns)
    params = {"family": options.family, "columns": options.columns, "seed": options.seed}
    if options.family == "logistic":
        params |= {"c": options.c}
    else:
        params |= {
            "learning_rate": options.learning_rate,
            "iterations": options.iterations,
            "max_depth": options.max_depth,
        }

    with lineal.start_run(options.experiment, name=options.name, params=params, tags={"team": "triage"}) as run:
        for context, part in split._asdict().items():
            run.use_dataset(f"biopsies-{context}", part, context=context)

        model = make_model(options)
        model.fit(features(split.train), split.train[TARGET])
        if options.family == "boosting":
            log_boosting_curve(run, model, split)

        describe_training_data(run, model, split)
        scores = evaluate(model, split.test)
        run.log(scores)
        with tempfile.TemporaryDirectory() as folder:
            run.log_artifact(write_report(Path(folder), model, split, scores))
        run.log_model(model, input_example=features(split.test))

    print(f"{options.family}: " + ", ".join(f"{name} {value:.4f}" for name, value in scores.items()))
    if options.register:
        version = lineal.register(options.register, run, artifact="model")
        print(f"registered {options.register} v{version.number} {version.digest}")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", choices=["logistic", "boosting"], default="boosting")
    parser.add_argument("--columns", choices=["all", "mean", "error", "worst"], default="all")
    parser.add_argument("--c", type=float, default=1.0, help="logistic: inverse strength of the regularisation")
    parser.add_argument("--learning-rate", type=float, default=0.1, help="boosting")
    parser.add_argument("--iterations", type=int, default=120, help="boosting")
    parser.add_argument("--max-depth", type=int, default=2, help="boosting")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--experiment", default="triage")
    parser.add_argument("--name", help="the run's name")
    parser.add_argument("--register", metavar="MODEL", help="register the trained model under this name")
    return parser.parse_args()


if __name__ == "__main__":
    train(parse_options())
