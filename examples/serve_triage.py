"""Serves the triage model on days of biopsies and lets Lineal watch what it is asked: an ordinary serving script.

    python examples/serve_triage.py triage@sha256:… --from-days-ago 6 --to-days-ago 3

The model's bytes are checked against the digest before they are read. Each day brings biopsies like those the model was
trained on; with `--new-scanner` they come from one that reports symmetry on another scale. What they turned out to be is
known at once here; elsewhere it would be reported weeks later, for the same moment.
"""

import argparse
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import lineal
import pandas as pd
from train_triage import TARGET, features, load_split

BIOPSIES_A_DAY = 150
RESCALED = ("mean symmetry", "symmetry error")


def biopsies_of(days_ago: int, *, new_scanner: bool) -> pd.DataFrame:
    """A day's work: drawn from all biopsies, other ones each day."""
    every = pd.concat(load_split("all"))
    drawn = every.sample(BIOPSIES_A_DAY, replace=True, random_state=days_ago).reset_index(drop=True)
    for column in RESCALED if new_scanner else ():
        drawn[column] *= 1.35
    return drawn


def serve(options: argparse.Namespace) -> None:
    name, _, digest = options.model.partition("@")
    with tempfile.TemporaryDirectory() as folder:
        # A pickle runs code when it is read: right only for a digest that people have promoted.
        model = lineal.Client().load_model(name, digest, to=Path(folder) / "model", allow_pickle=True)

    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with lineal.monitor(f"{name}@{options.environment}") as monitor:
        for days_ago in range(options.from_days_ago, options.to_days_ago - 1, -1):
            came = biopsies_of(days_ago, new_scanner=options.new_scanner)
            risk = model.predict_proba(features(came))[:, 1]
            said = (risk > 0.5).astype(int)
            noon = midnight - timedelta(days=days_ago, hours=-12)
            monitor.observe(features(came), predictions=said, scores=risk, labels=came[TARGET], at=noon)
            print(f"{noon:%Y-%m-%d}: {len(came)} biopsies, {said.sum()} to be looked at first")
        if not monitor.flush(timeout=30):
            raise SystemExit(f"the server did not get everything: {monitor.stats()}")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="NAME@DIGEST, as `lineal models show` prints it")
    parser.add_argument("--environment", default="production")
    parser.add_argument("--from-days-ago", type=int, default=6)
    parser.add_argument("--to-days-ago", type=int, default=2)
    parser.add_argument("--new-scanner", action="store_true", help="rescale two columns")
    return parser.parse_args()


if __name__ == "__main__":
    serve(parse_options())
