"""Traces cost nothing where nobody wants them, and are asked for in the standard way."""

import subprocess
import sys
import textwrap

import pytest

START = """
import logging, os, sys
logging.basicConfig()
import django
django.setup()
from django.test import Client
from core import tracing
status = Client(SERVER_NAME="localhost").get("/nowhere").status_code
print(status, tracing.is_on(), "opentelemetry" in sys.modules)
"""


def run(tmp_path, before="", **env):
    done = subprocess.run(
        [sys.executable, "-c", before + textwrap.dedent(START)],
        env={"PATH": "", "LINEAL_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "config.settings"} | env,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_nothing_is_imported_when_nobody_asks(tmp_path):
    assert run(tmp_path).stdout.split() == ["404", "False", "False"]


@pytest.mark.parametrize(
    "off", [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}], ids=["disabled", "none"]
)
def test_the_standard_switches_turn_it_off(tmp_path, off):
    done = run(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", **off)

    assert done.stdout.split() == ["404", "False", "False"]


def test_asked_for_and_not_installed_is_one_plain_warning(tmp_path):
    missing = "import sys\nsys.modules['opentelemetry'] = None\n"

    done = run(tmp_path, missing, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")

    assert done.stdout.split()[:2] == ["404", "False"]
    warnings = [line for line in done.stderr.splitlines() if "OpenTelemetry" in line]
    assert len(warnings) == 1
    assert "pip install 'lineal-server[otel]'" in warnings[0]
    assert "Traceback" not in done.stderr
