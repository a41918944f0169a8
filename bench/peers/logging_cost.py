"""Run by each tool's own Python, and by ours: what logging costs the thread that trains. Prints JSON in its last line.

    python logging_cost.py null ours            adapters, of which the first is the floor that the machine sets
    LOGGING_COST_URL                            the server of a tool that has one
    LOGGING_COST_FOLDER                         where a tool keeps its files

Standard library, and whichever tool is measured. Every call is timed alone; times are nanoseconds until they are summed up.
"""

import gc
import json
import os
import sys
import threading
import time

ONE = "loss"
TEN = [f"metric{number}" for number in range(10)]
TIGHT_ONE, TIGHT_TEN = 100_000, 20_000  # calls
PACED, PAUSE_S = 300, 0.002
THREADS, THREAD_CALLS = 4, 10_000
LONGEST_S = 2.0  # a scenario of a slow tool ends after so long, with fewer calls
LONGEST_PACED_S, LONGEST_LOOP_S = 4.0, 20.0
STEP_S, STEPS, PAIRS = 0.010, 30, 9
DURABLE_STEPS, DURABLE_REPEATS, DURABLE_LONGEST_S = 2_000, 3, 10.0  # of ten metrics: 20,000 points


# -- adapters: one run each -------------------------------------------------------------------------------------------


class Null:
    """Appends to a list: what no tool can be faster than."""

    def __init__(self, name):
        self.kept = []

    def one(self, step):
        self.kept.append((ONE, step, step * 0.5))

    def ten(self, step):
        self.kept.append((step, values_at(step)))

    def flush(self):
        """There is nothing to wait for."""

    def close(self):
        self.kept.clear()


class Lineal:
    def __init__(self, name):
        import lineal

        self.client = lineal.Client()
        self.run = self.client.start_run(name)
        self.one_steps, self.ten_steps = [], []

    def one(self, step):
        self.run.log({ONE: step * 0.5}, step=step)

    def ten(self, step):
        self.run.log(values_at(step), step=step)

    def flush(self):
        if not self.run.flush(120):
            raise RuntimeError(f"not delivered: {self.run.why_not_delivered}")

    def close(self):
        self.run.finish()

    def check(self, one, ten):
        """Every point that was logged is read back and compared; speed without the data counts for nothing."""
        wanted = [(ONE, one, lambda step: step * 0.5)] if one else []
        wanted += [(key, ten, lambda step, at=at: step + at / 10) for at, key in enumerate(TEN)] if ten else []
        for key, steps, value in wanted:
            found = self.client.history(self.run.id, key)
            got = sorted(zip(found.steps, found.values, strict=True))
            if got != sorted((step, float(value(step))) for step in steps):
                raise RuntimeError(f"{len(got)} points of {key} came back, {len(steps)} were logged, or others")


class MLflow:
    synchronous = True

    def __init__(self, name):
        import mlflow

        mlflow.set_tracking_uri(os.environ["LOGGING_COST_URL"])
        mlflow.set_experiment(name)
        self.mlflow = mlflow
        self.run = mlflow.start_run()

    def one(self, step):
        self.mlflow.log_metric(ONE, step * 0.5, step=step, synchronous=self.synchronous)

    def ten(self, step):
        self.mlflow.log_metrics(values_at(step), step=step, synchronous=self.synchronous)

    def flush(self):
        if not self.synchronous:
            self.mlflow.flush_async_logging()

    def close(self):
        self.flush()
        self.mlflow.end_run()


class MLflowAsync(MLflow):
    synchronous = False
    most_calls = 1_000  # it takes longer to send them than to make them


class WandbOffline:
    def __init__(self, name):
        import wandb

        folder = os.environ["LOGGING_COST_FOLDER"]
        self.run = wandb.init(project=name, mode="offline", dir=folder, settings=wandb.Settings(silent=True))

    def one(self, step):
        self.run.log({ONE: step * 0.5}, step=step)

    def ten(self, step):
        self.run.log(values_at(step), step=step)

    def flush(self):
        """It has none but the end of the run."""

    def close(self):
        self.run.finish()


class Trackio:
    def __init__(self, name):
        import trackio

        self.run = trackio.init(project=name, embed=False)

    def one(self, step):
        self.run.log({ONE: step * 0.5}, step=step)

    def ten(self, step):
        self.run.log(values_at(step), step=step)

    def flush(self):
        """It has none but the end of the run."""

    def close(self):
        self.run.finish()


class Aim:
    def __init__(self, name):
        import aim

        self.run = aim.Run(repo=os.environ["LOGGING_COST_FOLDER"], experiment=name, system_tracking_interval=None)

    def one(self, step):
        self.run.track(step * 0.5, name=ONE, step=step)

    def ten(self, step):
        self.run.track(values_at(step), step=step)

    def flush(self):
        """It has none but the end of the run."""

    def close(self):
        self.run.close()


ADAPTERS = {
    "null": Null,
    "lineal": Lineal,
    "mlflow-sync": MLflow,
    "mlflow-async": MLflowAsync,
    "wandb-offline": WandbOffline,
    "trackio": Trackio,
    "aim": Aim,
}


def values_at(step):
    return {
        "metric0": step + 0.0,
        "metric1": step + 0.1,
        "metric2": step + 0.2,
        "metric3": step + 0.3,
        "metric4": step + 0.4,
        "metric5": step + 0.5,
        "metric6": step + 0.6,
        "metric7": step + 0.7,
        "metric8": step + 0.8,
        "metric9": step + 0.9,
    }


# -- scenarios --------------------------------------------------------------------------------------------------------


def timed(act, calls, pause_s=0.0, first=0):
    """Nanoseconds of each call, the step that it logged being `first` and on."""
    taken = []
    until = time.perf_counter() + (LONGEST_PACED_S if pause_s else LONGEST_S)
    for step in range(first, first + calls):
        begun = time.perf_counter_ns()
        act(step)
        ended = time.perf_counter_ns()
        taken.append(ended - begun)
        if pause_s:
            time.sleep(pause_s)
        if step % 16 == 0 and time.perf_counter() > until:
            break
    return taken


def most(run, calls):
    return min(calls, getattr(run, "most_calls", calls))


def summed_up(taken):
    """Microseconds."""
    taken = sorted(taken)
    at = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    return {name: taken[min(int(len(taken) * share), len(taken) - 1)] / 1_000 for name, share in at.items()} | {
        "n": len(taken)
    }


def one_metric(make):
    run = make("one-metric")
    tight = timed(run.one, most(run, TIGHT_ONE))
    paced = timed(run.one, PACED, PAUSE_S, first=TIGHT_ONE)
    return finished(run, one=[*range(len(tight)), *range(TIGHT_ONE, TIGHT_ONE + len(paced))]) | {
        "one, tight": summed_up(tight),
        "one, paced": summed_up(paced),
    }


def dict_of_ten(make):
    run = make("dict-of-ten")
    tight = timed(run.ten, most(run, TIGHT_TEN))
    paced = timed(run.ten, PACED, PAUSE_S, first=TIGHT_TEN)
    return finished(run, ten=[*range(len(tight)), *range(TIGHT_TEN, TIGHT_TEN + len(paced))]) | {
        "ten, tight": summed_up(tight),
        "ten, paced": summed_up(paced),
    }


def several_threads(make):
    run = make("several-threads")
    taken = [[] for _ in range(THREADS)]

    def work(number):
        taken[number] = timed(run.one, most(run, THREAD_CALLS), first=number * THREAD_CALLS)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    steps = [number * THREAD_CALLS + step for number in range(THREADS) for step in range(len(taken[number]))]
    return finished(run, one=steps) | {f"one, {THREADS} threads": summed_up([each for part in taken for each in part])}


def finished(run, one=(), ten=()):
    run.close()
    if hasattr(run, "check"):
        run.check(one, ten)
    gc.collect()
    return {}


def step_loop(make):
    """Blocks of steps with logging and without take turns, so that what else the machine does falls on both."""
    rounds = calibrated()
    run = make("step-loop")
    step, found = 0, {True: [], False: []}
    until = time.perf_counter() + LONGEST_LOOP_S
    for pair in range(PAIRS):
        if time.perf_counter() > until:
            break
        for logs in (True, False) if pair % 2 else (False, True):
            wall, cpu = time.perf_counter(), time.process_time()
            for _ in range(STEPS):
                burn(rounds)
                if logs:
                    run.ten(step)
                    step += 1
            found[logs].append((time.perf_counter() - wall, time.process_time() - cpu))
            run.flush()
            time.sleep(0.2)  # what a tool does behind the loop's back is not to fall on the block without it
    finished(run, ten=range(step))
    pairs = [(on[0] / off[0], on[1] / off[1]) for on, off in zip(found[True], found[False], strict=True)]
    wall, cpu = (median(each) for each in zip(*pairs, strict=True))
    without_ms = 1_000 * median([each for each, _ in found[False]]) / STEPS
    return {
        "step loop": {
            "wall": 100 * (wall - 1),
            "cpu": 100 * (cpu - 1),
            "n": step,
            "without_ms": without_ms,
            "with_ms": without_ms * wall,
        }
    }


def median(values):
    return sorted(values)[len(values) // 2]


def burn(rounds):
    total = 0
    for number in range(rounds):
        total += number * number % 7
    return total


def calibrated():
    """Rounds of `burn` that take one step's time of a core; on a busy machine they last longer."""
    rounds, best = 20_000, float("inf")
    for _ in range(10):
        begun = time.thread_time()
        burn(rounds)
        best = min(best, time.thread_time() - begun)
    return int(rounds * STEP_S / best)


def durable(make):
    """From the first call until the tool says that all of it is kept."""
    taken = []
    for _ in range(DURABLE_REPEATS):
        run = make("durable")
        begun = time.perf_counter()
        logged = 0
        while logged < DURABLE_STEPS and time.perf_counter() - begun < DURABLE_LONGEST_S:
            run.ten(logged)
            logged += 1
        if logged < DURABLE_STEPS:
            run.close()
            return {"durable": {"seconds": None, "points": 10 * logged}}
        run.flush()
        flushed = time.perf_counter()
        finished(run, ten=range(logged))
        flushes = type(run).flush.__doc__ is None
        taken.append((flushed if flushes else time.perf_counter()) - begun)
    return {"durable": {"seconds": sorted(taken)[len(taken) // 2], "points": 10 * DURABLE_STEPS, "n": len(taken)}}


SCENARIOS = (one_metric, dict_of_ten, several_threads, step_loop, durable)


def main(names):
    results = {}
    for name in names:
        results[name] = {}
        for scenario in SCENARIOS:
            results[name] |= scenario(ADAPTERS[name])
    print(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1:])
