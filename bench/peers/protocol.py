"""What a peer's script and the bench say to each other. Standard library alone: each tool's own Python runs it.

The bench writes one order to the script's standard input, and reads the last line of JSON from its standard output; a tool may print
what it likes before that.

    {"act": "ingest", "url": "http://127.0.0.1:5000", "database": "sqlite:///…", "folder": "/tmp/…", "sizes": {"writers": 8, …}}

    {"versions": {"mlflow": "3.17.2", "python": "3.11.7"},
     "figures": [{"measure": "ingest", "values": [12700.0, 12500.0], "size": 40000, "sent": 80000, "found": 80000, "note": ""}]}

`values` are in the unit that `bench.measures` gives the measure: one for each round, or one for each call. `size` is how much there was of
what the measure counts, where a slow tool was given less. `sent` and `found` are the points that were logged and that came back as they
were logged. What goes wrong ends the script with a code, and its last words on standard error go into the table.
"""

import json
import multiprocessing
import platform
import queue
import sys
import time
from importlib.metadata import PackageNotFoundError, version

ANSWER_S = 900


def serve(acts, packages):
    """Carry out the one order. `acts` are functions of it, each giving figures."""
    order = json.loads(sys.stdin.readline())
    figures = list(acts[order["act"]](order))
    print(json.dumps({"versions": versions(packages), "figures": figures}), flush=True)


def versions(packages):
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "none"
    return found


def figure(measure, values, size=0, sent=0, found=0, *, note=""):
    return {"measure": measure, "values": values, "size": size, "sent": sent, "found": found, "note": note}


def milliseconds(act, calls, longest_s):
    """Of each call, one after the other; fewer than `calls` where they take longer than `longest_s` together."""
    taken, until = [], time.perf_counter() + longest_s
    for _ in range(calls):
        begun = time.perf_counter()
        act()
        taken.append(1_000 * (time.perf_counter() - begun))
        if time.perf_counter() > until:
            break
    return taken


def side_by_side(prepare, work, count):
    """Seconds from when all of `count` processes are ready until the last has done its work, and what each of them returned.

    `prepare(number)` gives what `work` then takes; only `work` is timed. Raises RuntimeError when one fails.
    """
    context = multiprocessing.get_context("fork")
    ready, done = context.Barrier(count), context.Queue()

    def run(number):
        try:
            state = prepare(number)
            ready.wait(300)
            begun = time.monotonic()
            answer = work(state)
            done.put((number, begun, time.monotonic(), answer, ""))
        except BaseException as exc:
            ready.abort()
            done.put((number, 0.0, 0.0, None, f"{type(exc).__name__}: {exc}"))
            raise

    processes = [context.Process(target=run, args=(number,)) for number in range(count)]
    for process in processes:
        process.start()
    answers = sorted(_answers(done, processes), key=lambda answer: answer[0])
    for process in processes:
        process.join()
    trouble = [answer[4] for answer in answers if answer[4]]
    if trouble:
        said = [words for words in trouble if not words.startswith("BrokenBarrierError")]
        raise RuntimeError(f"a writer failed: {(said or ['none was ready'])[0]}")
    took = max(answer[2] for answer in answers) - min(answer[1] for answer in answers)
    return took, [answer[3] for answer in answers]


def _answers(done, processes):
    """One of each process. Raises RuntimeError when one has died or waits for ever, which ends the others, too."""
    answers, until = [], time.monotonic() + ANSWER_S
    while len(answers) < len(processes):
        try:
            answers.append(done.get(timeout=1))
        except queue.Empty:
            answered = {answer[0] for answer in answers}
            dead = [each.exitcode for at, each in enumerate(processes) if each.exitcode and at not in answered]
            failed = any(answer[4] for answer in answers)
            if not dead and not failed and time.monotonic() < until:
                continue
            for process in processes:
                process.kill()
            if failed:
                return answers
            raise RuntimeError(f"a writer ended with {dead[0]}" if dead else "the writers took too long") from None
    return answers


def apart(act, *arguments):
    """What `act` gives in a process of its own: some tools do not survive that a process which has used them forks."""
    _, (answer,) = side_by_side(lambda number: arguments, lambda given: act(*given), 1)
    return answer


# -- what is logged, the same for every tool ---------------------------------------------------------------------------

KEYS = [f"m{number}" for number in range(10)]
STEPS = 100  # of each key in a batch: a thousand points


def value_at(writer, step, number):
    """Different for each point, and exact as a double."""
    return ((writer + 1) * 2_654_435_761 + step * 40_503 + number) % 1_000_003 / 1_048_576


def metrics_at(writer, step):
    return {key: value_at(writer, step, number) for number, key in enumerate(KEYS)}


def kept(writer, steps, points_of):
    """How many of a writer's points came back as they were logged. `points_of(key)` gives (step, value) pairs."""
    total = 0
    for number, key in enumerate(KEYS):
        wanted = {(step, value_at(writer, step, number)) for step in range(steps)}
        total += len(wanted & set(points_of(key)))
    return total


SPIKE = 1_000.0  # one value of a long series; a chart that hides it has dropped what people look for


def long_series(points):
    """Values by step, with one spike."""
    values = [(step * 2_654_435_761 % 1_000_003) / 1_000_003 for step in range(points)]
    values[points * 5 // 7] = SPIKE
    return values


def spike_note(values):
    return "keeps the spike" if SPIKE in values else "drops the spike"
