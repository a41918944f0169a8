"""compose.yaml, read as a person would who is about to trust it."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from config import environment
from tests.rooms import rooms

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if "build" in service}


def test_it_runs_each_process_and_what_they_stand_on():
    assert set(OURS) >= {"web", "worker", "beat", "sequencer", "migrate"}
    assert {"postgres", "redis", "store"} <= set(COMPOSE["services"])


@pytest.mark.parametrize("name", OURS)
def test_our_containers_can_write_nothing_but_their_home_and_gain_nothing(name):
    service = OURS[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service


@pytest.mark.parametrize("name", [name for name, service in OURS.items() if "entrypoint" not in service])
def test_our_containers_are_started_with_commands_and_options_that_exist(name):
    command, *options = OURS[name]["command"]
    lineal = Path(sys.executable).with_name("lineal")

    help_page = subprocess.run([lineal, command, "--help"], capture_output=True, text=True, timeout=60)

    assert help_page.returncode == 0, help_page.stderr
    for option in options:
        if option.startswith("--"):
            assert option in help_page.stdout


def test_every_setting_in_it_is_one_that_the_server_reads():
    named = {key for service in OURS.values() for key in service["environment"] if key.startswith("LINEAL_")}

    assert named
    assert named <= set(environment.TABLE)


def test_no_secret_is_written_in_it():
    """Passwords come from .env, and compose refuses to start without."""
    for service in COMPOSE["services"].values():
        for key, value in service.get("environment", {}).items():
            if any(word in key for word in ("PASSWORD", "SECRET", "DATABASE", "BROKER")):
                assert ":?" in value, key


def test_only_the_web_process_is_reached_from_outside_and_by_default_from_this_machine_alone():
    published = {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service}

    assert published == {"web": ["${LINEAL_LISTEN:-127.0.0.1:8765}:8765"]}


def test_images_of_others_are_named_with_their_versions():
    for name, service in COMPOSE["services"].items():
        if name not in OURS:
            tag = service["image"].partition(":")[2]
            assert any(character.isdigit() for character in tag), service["image"]


def test_passwords_are_made_once_and_for_their_owner_alone(tmp_path):
    folder = tmp_path / "deploy" / "compose"
    folder.mkdir(parents=True)
    script = folder / "secrets.sh"
    script.write_text((ROOT / "deploy" / "compose" / "secrets.sh").read_text())

    first = subprocess.run(["sh", script], capture_output=True, text=True)
    made = (tmp_path / ".env").read_text()
    second = subprocess.run(["sh", script], capture_output=True, text=True)

    assert first.returncode == 0
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    values = [line.partition("=")[2] for line in made.splitlines()]
    assert len(values) == len(set(values)) == 4
    assert all(len(value) == 48 for value in values)
    assert second.returncode == 1
    assert (tmp_path / ".env").read_text() == made


def test_every_room_goes_into_the_image():
    let_through = (ROOT / ".dockerignore").read_text().splitlines()

    assert [room for room in rooms() if f"!{room}" not in let_through] == []


def test_the_image_gets_the_versions_that_the_tests_ran_with():
    tested, shipped = (
        {line.split()[0] for line in (ROOT / "requirements" / name).read_text().splitlines() if "==" in line}
        for name in ("dev.lock", "server.lock")
    )

    assert shipped
    assert shipped - tested == set()
