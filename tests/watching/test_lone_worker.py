"""A worker on a machine of its own can be scraped too."""

import os
import subprocess
import sys
import textwrap
import urllib.error
import urllib.request

import pytest

from tests.server import free_port
from tests.watching.conftest import Figures

WORKER = textwrap.dedent(
    """
    import sys
    import django
    django.setup()
    from core.jobs import runs
    runs.labels("a.task", "done").inc(3)
    print("ready", flush=True)
    sys.stdin.read()
    """
)


def begin(home, role, port):
    env = {name: value for name, value in os.environ.items() if not name.startswith("LINEAL_")}
    env |= {"LINEAL_HOME": str(home), "LINEAL_PROCESS": role, "LINEAL_METRICS_LISTEN": f"127.0.0.1:{port}"}
    return subprocess.Popen(
        [sys.executable, "-c", WORKER],
        env=env | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_the_first_of_a_machine_shows_the_counts_of_all(tmp_path):
    port = free_port()
    processes = [begin(tmp_path, role, port) for role in ("worker", "worker", "beat")]
    try:
        assert [process.stdout.readline() for process in processes] == ["ready\n"] * 3
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
            found = Figures(response.read().decode())
    finally:
        words = []
        for process in processes:
            words.append(process.communicate("")[1])
    assert found.sum("lineal_job_runs_total", task="a.task") == 9
    assert found.sum("lineal_processes", role="worker") == 2
    assert "lineal_promotions_total" not in found.families, "the database is the web's to ask"
    assert words == ["", "", ""], "the second and third leave it at that"


@pytest.mark.slow
def test_a_web_process_opens_no_door_beside_its_own(tmp_path):
    port = free_port()
    process = begin(tmp_path, "web", port)
    try:
        assert process.stdout.readline() == "ready\n"
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5)
    finally:
        process.communicate("")
