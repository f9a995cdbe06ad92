"""What holds for every command."""

import subprocess
import sys
from importlib import import_module
from importlib.metadata import version

import pytest
import typer

from gradclinic.cli.commands import ENTRIES, Entry

from .command import COMMAND, gradclinic


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["compare"], ["serve", "--port", "99999"], ["run", "-", "--colour"]]
)
def test_a_command_line_that_makes_no_sense_shows_its_usage(arguments: list[str]) -> None:
    done = gradclinic(*arguments)
    assert done.returncode == 2
    assert "Usage: gradclinic" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (
            ["--url", "http://127.0.0.1:1", "runs", "list"],
            "--url belongs after the command, for example: X runs list --url ...",
        ),
        (
            ["studies", "--url", "http://127.0.0.1:1", "list"],
            "--url belongs after the command, for example: X studies list --url ...",
        ),
        (["--junit", "a.xml", "check"], "--junit belongs after the command, for example: X check --junit ..."),
        (["--colour", "runs", "list"], "Error: No such option: --colour"),
    ],
)
def test_an_option_before_its_command_is_refused_with_the_place_where_it_belongs(arguments, hint) -> None:
    done = gradclinic(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == hint.replace("X", "gradclinic")


def test_the_list_of_a_groups_commands_is_not_cut() -> None:
    shown = gradclinic("keys", "--help").stdout
    assert "..." not in shown.split("Commands:")[1]
    listed = " ".join(shown.split("Commands:")[1].split())
    assert "Replace a key by a new one with the same scope and project; the old one expires later." in listed
    assert "create Create a key, and print it once. list" in listed


def test_output_for_pipes_has_no_colours_and_no_trailing_blanks() -> None:
    shown = gradclinic("catalogue", "layers", TERM="xterm-256color").stdout
    assert "\x1b" not in shown
    assert all(line == line.rstrip() for line in shown.splitlines())


def test_a_reader_that_leaves_early_is_no_error() -> None:
    with subprocess.Popen([*COMMAND, "catalogue"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as command:
        assert command.stdout is not None
        command.stdout.close()
        assert command.stderr is not None
        assert command.stderr.read() == b""


def test_a_misspelled_command_is_answered_with_a_near_one() -> None:
    assert "'studies'" in gradclinic("studeis").stderr


def test_the_version_is_that_of_the_package() -> None:
    assert gradclinic("--version").stdout == f"gradclinic {version('gradclinic')}\n"


def test_the_package_can_be_run_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "gradclinic", "--version"], check=True, capture_output=True, text=True)
    assert done.stdout == f"gradclinic {version('gradclinic')}\n"


def test_help_says_what_a_spec_is() -> None:
    assert "A SPEC is a JSON or YAML file that describes an experiment" in gradclinic("--help").stdout
    assert "optimizer: {kind: sgd, learning_rate: 0.1}" in gradclinic("run", "--help").stdout


def test_help_imports_nothing_that_is_slow() -> None:
    code = "import sys; from gradclinic.cli import main; sys.argv = ['gradclinic', '--help']\n"
    code += "try: main()\nexcept SystemExit: print({'httpx', 'pydantic', 'numpy', 'yaml'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.endswith("set()\n")


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_the_list_of_commands_says_what_their_own_help_says(entry: Entry) -> None:
    module, _, name = entry.place.partition(":")
    found = getattr(import_module(f"gradclinic.cli.{module}"), name)
    own = found.info.help if isinstance(found, typer.Typer) else found.__doc__
    assert own.startswith(entry.help.rstrip("."))
