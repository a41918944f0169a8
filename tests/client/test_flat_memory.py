"""A large file takes no more memory than a small one: on the client, up and down, and in every process of the server."""

import json
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

pytestmark = [pytest.mark.server, pytest.mark.slow]

LARGE_BYTES = 400 << 20
ALLOWED_BYTES = 96 << 20  # what pieces on their way, and caches that grow once, may take: a quarter of the file

CLIENT = """
import json, resource, sys
from pathlib import Path
import lineal

source, back = Path(sys.argv[1]), Path(sys.argv[2])
with lineal.start_run("memory") as run:
    run.log_artifact(source)
assert run.flush()
(file,) = lineal.Client().download_artifact(run, source.name, to=back)
print(json.dumps({"size": file.stat().st_size, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
"""


def sent_and_brought(server, source, back):
    """In a process of its own; its peak of resident memory in bytes."""
    env = server.env | {"LINEAL_URL": server.url, "LINEAL_TOKEN": server.token}
    command = [sys.executable, "-c", CLIENT, source, back]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["size"] == source.stat().st_size
    return found["peak"]


def peaks(server):
    """Of each process of the server, in bytes, since it started."""
    top = psutil.Process(server.process.pid)
    found = {}
    for process in [top, *top.children(recursive=True)]:
        said = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
        found[process.pid] = int(said[1]) * 1024
    return found


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="The peak of another process is read from /proc.")
def test_memory_does_not_grow_with_the_file(server, tmp_path):
    """What holds at a few hundred megabytes holds at ten gigabytes: nothing is kept of a piece once the next has come."""
    small, large = tmp_path / "small.bin", tmp_path / "large.bin"
    small.write_bytes(b"x" * (1 << 20))
    with large.open("wb") as file:
        file.truncate(LARGE_BYTES)  # sparse: only the spool and the store have to hold it
    client_before = sent_and_brought(server, small, tmp_path / "back")
    before = peaks(server)

    client_after = sent_and_brought(server, large, tmp_path / "back")
    after = peaks(server)

    assert (tmp_path / "back" / "large.bin").stat().st_size == LARGE_BYTES
    assert client_after - client_before < ALLOWED_BYTES
    grown = {pid: after[pid] - peak for pid, peak in before.items() if pid in after}
    assert max(grown.values()) < ALLOWED_BYTES, grown
