from pathlib import Path

import pytest

from gradclinic import cli
from gradclinic.cli.options import print_json
from gradclinic.text.terminal import say, without_controls

TITLE, CLIPBOARD, RED = "\x1b]0;mine\x07", "\x9d52;c;cm0gLXJm\x9c", "\x9b31m"


@pytest.mark.parametrize("sequence", [TITLE, CLIPBOARD, RED, "\r", "\b", "\x7f", "\x00"])
def test_no_line_has_a_character_that_a_terminal_obeys(sequence: str, capsys: pytest.CaptureFixture[str]) -> None:
    say(f"a{sequence}b")
    say(f"a{sequence}b", err=True)
    for printed in capsys.readouterr():
        assert without_controls(printed) == printed
        assert printed.startswith("a")
        assert printed.endswith("b\n")


def test_words_in_any_script_tabs_and_lines_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    say("Größe\t神经网络\n∅", nl=False)
    assert capsys.readouterr().out == "Größe\t神经网络\n∅"


def test_json_for_programs_keeps_them_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": f"é{RED}{TITLE}"})
    assert capsys.readouterr().out == '{\n  "name": "é\\u009b31m\\u001b]0;mine\\u0007"\n}\n'


def test_no_command_prints_in_another_way() -> None:
    for file in Path(cli.__file__).parent.glob("*.py"):
        text = file.read_text("utf-8")
        assert "typer.echo(" not in text, file.name
        assert "print(" not in text.replace("console.print(", ""), file.name
