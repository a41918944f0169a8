"""The image's own install steps, run without a container engine: the same script, a clean environment, a read-only root."""

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.server import free_port

ROOT = Path(__file__).parents[2]
READ_ONLY = "mount -t tmpfs tmpfs {tmp} && mount -o remount,bind,ro / && exec {command}"


def build_context(folder: Path) -> None:
    """What `.dockerignore` lets through, of what git knows: the files that `COPY . .` finds."""
    wanted = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    listed = subprocess.run(["git", "ls-files", "--", *wanted], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listed.stdout.splitlines():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An environment as the image has it in /opt/lineal."""
    folder = tmp_path_factory.mktemp("image")
    build_context(folder / "src")
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHON": sys.executable}
    done = subprocess.run(
        ["sh", folder / "src" / "deploy" / "image" / "install.sh", folder / "opt"],
        env=env,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    return folder / "opt"


@contextmanager
def up_from(prefix: Path, home: Path):
    """`lineal up` of that environment; where this process may, with the whole file system read-only but the home."""
    port = free_port()
    env = {
        "PATH": f"{prefix / 'bin'}:/usr/bin:/bin",
        "HOME": str(home),
        "LINEAL_HOME": str(home / "lineal"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(home),
    }
    command = f"{prefix / 'bin' / 'lineal'} up --host 127.0.0.1 --port {port} --no-browser"
    closed = ["unshare", "--mount", "sh", "-c", READ_ONLY.format(tmp=home, command=command)]
    process = subprocess.Popen(
        closed if can_make_read_only() else command.split(),
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        for line in process.stdout:
            if line.startswith("SDK and CLI"):
                break
        else:
            pytest.fail(f"the server did not start: exit code {process.wait()}")
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        process.communicate(timeout=60)


def can_make_read_only() -> bool:
    if os.geteuid() or not shutil.which("unshare"):
        return False
    tried = subprocess.run(["unshare", "--mount", "mount", "-o", "remount,bind,ro", "/"], capture_output=True)
    return tried.returncode == 0


@pytest.mark.slow
@pytest.mark.server
def test_the_installed_image_does_the_main_job_with_nothing_else_writable(installed, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    with up_from(installed, home) as (url, process):
        token = Path(f"/proc/{process.pid}/root{home}/lineal/owner.token").read_text().strip()
        env = {
            "PATH": os.environ["PATH"],
            "LINEAL_URL": url,
            "LINEAL_TOKEN": token,
            "LINEAL_SPOOL_DIR": str(tmp_path / "spool"),
            "HOME": str(tmp_path),
        }
        done = subprocess.run(
            [installed / "bin" / "python", ROOT / "deploy" / "image" / "smoke.py"],
            env=env,
            capture_output=True,
            text=True,
            timeout=180,
        )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "promoted as" in done.stdout


@pytest.mark.slow
def test_what_only_developers_need_stays_out(installed):
    found = {
        path.name.partition("-")[0].lower() for path in (installed / "lib").glob("python*/site-packages/*.dist-info")
    }

    assert {"lineal", "lineal_server", "django", "boto3", "redis"} <= found
    assert not found & {"pip", "pytest", "mypy", "ruff", "moto", "ministack", "hatchling", "uv", "locust"}
