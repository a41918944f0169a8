"""The command line as a whole: its table of commands, how it fails, how fast it answers."""

import subprocess
import sys

import click
import pytest
from lineal.cli import SECTIONS, main
from lineal.cli.plugins import missing

from tests.cli.conftest import problem


def _commands():
    for section in SECTIONS.values():
        yield from section.items()


@pytest.mark.parametrize(("name", "entry"), list(_commands()))
def test_every_entry_of_the_table_is_a_command_that_explains_itself(lineal, name, entry):
    result = lineal(name, "--help")

    assert result.exit_code == 0, result.output
    assert name in result.stdout.splitlines()[0]


@pytest.mark.parametrize(("name", "entry"), [each for each in _commands() if each[0] != "up"])
def test_the_table_says_what_the_command_says(name, entry):
    """The line in `lineal --help` is kept apart from the command, so that help imports none; the two must agree."""
    command = main.get_command(click.Context(main), name)

    first_sentence = command.help.partition("\n")[0]
    assert first_sentence.startswith(entry.summary.rstrip(".")) or isinstance(command, click.Group)


def test_every_command_of_a_group_takes_json_and_url():
    """Scripts may rely on it everywhere."""
    for name, _ in _commands():
        if name in {"up", "login", "logout", "completion", *SECTIONS["Operation"]}:
            continue
        for path, command in _leaves(main.get_command(click.Context(main), name), name):
            options = {option for parameter in command.params for option in parameter.opts}
            assert {"--json", "--url"} <= options, path


def _leaves(command, path):
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from _leaves(child, f"{path} {name}")
    else:
        yield path, command


def test_the_exit_codes_are_in_the_help(lineal):
    text = lineal("--help").stdout

    for line in ("10  promotion waits for approval", "41  outcome unknown: run again with the same key"):
        assert line in text


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from lineal.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'rich', 'urllib3', 'numpy', 'pandas', 'django', 'cryptography'} & set(sys.modules)))"
    )

    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout

    assert output.splitlines()[-1] == "[]"


def test_an_unknown_command_is_one_plain_line(lineal):
    result = lineal("frobnicate")

    assert result.exit_code == 2
    assert result.stderr == "lineal: No such command 'frobnicate'. (see lineal --help)\n"


@pytest.mark.parametrize("command", [(), ("runs",), ("audit",)])
def test_a_group_without_a_command_shows_its_help(lineal, command):
    result = lineal(*command)

    assert result.exit_code == 2
    assert "Options:" in result.stderr.splitlines()


def test_an_unexpected_error_is_one_line_and_no_traceback(lineal, monkeypatch):
    monkeypatch.setattr("lineal.cli.server.Server.items", _boom)

    result = lineal("models", "list", "--url", "http://127.0.0.1:9")

    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert "Traceback" not in result.output


def test_lineal_debug_shows_where_an_error_arose(lineal, monkeypatch):
    monkeypatch.setattr("lineal.cli.server.Server.items", _boom)

    result = lineal("models", "list", "--url", "http://127.0.0.1:9", LINEAL_DEBUG="1")

    assert isinstance(result.exception, ZeroDivisionError)


def _boom(*_, **__):
    return 1 / 0


@pytest.mark.parametrize(("status", "code"), [(401, 31), (403, 30), (404, 1), (409, 1), (422, 2), (400, 2), (500, 1)])
def test_what_the_server_says_no_to_has_a_code_and_its_words(signed_in, lineal, status, code):
    signed_in.answer("GET", "/models/fraud", (status, problem(status, "no", "because of this")))

    result = lineal("models", "show", "fraud")

    assert result.exit_code == code
    asked_by = " (request r1)" if status == 500 else ""
    assert result.stderr == f"lineal: because of this{asked_by}\n"


def test_wrong_fields_are_named(signed_in, lineal):
    wrong = problem(422, "invalid", "The body is invalid.", errors=[{"field": "name", "detail": "is too long"}])
    signed_in.answer("POST", "/projects", (422, wrong))

    assert lineal("projects", "create", "x").stderr == "lineal: The body is invalid. [name: is too long]\n"


def test_a_field_that_says_the_same_again_is_not_repeated(signed_in, lineal):
    wrong = problem(422, "invalid", "Too long.", errors=[{"field": "name", "detail": "Too long."}])
    signed_in.answer("POST", "/projects", (422, wrong))

    assert lineal("projects", "create", "x").stderr == "lineal: Too long.\n"


def test_a_completion_script_exists_for_each_shell(lineal):
    for shell in ("zsh", "fish"):
        assert "_LINEAL_COMPLETE" in lineal("completion", shell).stdout


def test_without_the_server_its_commands_say_what_to_install():
    from click.testing import CliRunner

    result = CliRunner().invoke(missing("up", "Start a server."), ["--home", "x"])

    assert "pip install lineal-server" in str(result.exception)


def test_lists_are_read_page_by_page_up_to_the_limit(signed_in, lineal):
    page = {"items": [{"name": "a"}, {"name": "b"}], "next_cursor": "c1"}
    signed_in.answer("GET", "/models", page, {"items": [{"name": "c"}, {"name": "d"}], "next_cursor": "c2"})

    output = lineal("models", "list", "--limit", "3", "--json").stdout

    assert [request.query.get("cursor") for request in signed_in.asked("GET", "/models")] == [None, "c1"]
    assert [request.query["limit"] for request in signed_in.asked("GET", "/models")] == ["3", "1"]
    assert output.count('"name"') >= 3


def test_a_name_cannot_lead_to_another_route(signed_in, lineal):
    lineal("models", "show", "../users?x=1#")

    assert signed_in.requests[-1].path == "/models/..%2Fusers%3Fx%3D1%23"


def test_a_table_cannot_be_broken_by_a_name(signed_in, lineal):
    signed_in.answer("GET", "/models", {"items": [{"name": "a\x1b[2J\nb"}], "next_cursor": None})

    lines = lineal("models", "list").stdout.splitlines()

    assert len(lines) == 2
    assert "\x1b" not in lines[1]
