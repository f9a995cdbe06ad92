"""What holds for every command."""

import subprocess

import pytest

from .command import COMMAND, gradclinic


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["compare"], ["serve", "--port", "99999"], ["run", "-", "--colour"]]
)
def test_a_command_line_that_makes_no_sense_shows_its_usage(arguments: list[str]) -> None:
    done = gradclinic(*arguments)
    assert done.returncode == 2
    assert "Usage: gradclinic" in done.stderr


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
