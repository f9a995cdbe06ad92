"""Options that are numbers."""

import pytest

from gradclinic.cli.commands import ENTRIES

from .command import gradclinic, refused


@pytest.mark.parametrize("text", ["1_0", " 10", "+5", "010", "inf", "\u0661\u0660", "\uff11", "1e1"])
def test_a_whole_number_is_only_read_as_json_writes_it(text: str) -> None:
    line = wrong_usage("runs", "list", "--limit", text)
    assert line == f"Error: Invalid value for '--limit' / '-n': {text!r} is not a whole number, for example 10."


@pytest.mark.parametrize("text", ["1_0", "inf", "nan", "+5", ".5", "\uff15"])
def test_a_number_is_only_read_as_json_writes_it(text: str) -> None:
    line = wrong_usage("prescribe", "spec.json", "--seconds", text)
    assert line == f"Error: Invalid value for '--seconds': {text!r} is not a number, for example 0.5 or 1e-3."
    line = refused(gradclinic("diagnose", "run_x", "--threshold", f"dead_fraction={text}"), 2)
    assert f"'dead_fraction={text}' is not a threshold" in line


def test_a_limit_is_still_named_with_its_range() -> None:
    assert wrong_usage("runs", "list", "--limit", "0").endswith("0 is not in the range 1<=x<=10000.")


def test_the_type_of_a_number_is_strict_in_every_command() -> None:
    found = [option.type for entry in ENTRIES.values() for option in _options(entry.load("x"))]
    numbers = [each for each in found if each.name.startswith(("int", "float"))]
    assert len(numbers) > 10
    assert all("convert" in vars(each) for each in numbers)


def wrong_usage(*arguments: str) -> str:
    """The last line of what is said about arguments that are not allowed, below the usage."""
    done = gradclinic(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr.strip().splitlines()[-1]


def _options(command):  # type: ignore[no-untyped-def]  # types of typer that are not public
    yield from command.params
    for below in getattr(command, "commands", {}).values():
        yield from _options(below)
