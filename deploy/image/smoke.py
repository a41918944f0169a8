"""Does a server do its main job? `LINEAL_URL=… LINEAL_TOKEN=… python deploy/image/smoke.py`, with the client installed.

Logs a run with a metric and a file of several parts, registers the file, promotes it, and follows the line back.
"""

import sys
import tempfile
import time
from pathlib import Path

import lineal

STEPS = 100
MODEL_BYTES = 20_000_000
LIMIT_S = 90.0  # for a worker to hash what is stored, and the gates to be judged


def main() -> None:
    name = f"smoke-{time.time_ns()}"
    with tempfile.TemporaryDirectory() as folder, lineal.start_run(name, params={"lr": 0.1}) as run:
        model = Path(folder) / "model.bin"
        model.write_bytes((name * (MODEL_BYTES // len(name) + 1)).encode()[:MODEL_BYTES])
        for step in range(STEPS):
            run.log({"loss": 1 / (step + 1)}, step=step)
        run.log_artifact(model)
    version = lineal.register(name, run, artifact="model.bin")
    promotion = lineal.promote(name, version.digest, to="staging", reason="smoke test", wait_s=LIMIT_S)
    check(promotion.exit_code == 0, f"the promotion is {promotion.decision}: {promotion.detail}")
    history = lineal.history(run.id, "loss")
    check(len(history.values) == STEPS, f"{len(history.values)} of {STEPS} points are there")
    kinds = {node["kind"] for node in lineal.trace(f"model:{name}@staging")["nodes"]}
    check({"model_version", "run"} <= kinds, f"the line holds {sorted(kinds)}")
    print(f"{name}: logged, registered, promoted as {version.digest}, traced back to run {run.id}")


def check(holds: bool, complaint: str) -> None:
    if not holds:
        sys.exit(f"smoke test failed: {complaint}")


if __name__ == "__main__":
    main()
