import pytest
from rich.table import Table
from rich.text import Text

from gradclinic.text.console import console_for, plain_text, show, speaks_unicode


def test_plain_output_has_neither_colours_nor_trailing_blanks(capsys: pytest.CaptureFixture[str]) -> None:
    console = console_for()
    show(console, "a" + " " * 50, "b")
    assert capsys.readouterr().out == "a\nb\n"
    assert isinstance(speaks_unicode(console), bool)


@pytest.mark.parametrize("sequence", ["\x1b]0;mine\x07", "\x9b31m", "\x1b[2J"])
def test_names_of_others_change_nothing_of_a_terminal(sequence: str, capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("name")
    table.add_row(f"mine{sequence}")
    for parts in ((f"mine{sequence}",), (Text(f"mine{sequence}"),), (table,)):
        assert not {"\x1b", "\x9b", "\x07"} & set(plain_text(*parts))
        show(console_for(), *parts)
        assert not {"\x1b", "\x9b", "\x07"} & set(capsys.readouterr().out)


def test_a_terminal_still_gets_colours(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    show(console_for(), Text("a\x1b[31mb", style="bold green"))
    assert capsys.readouterr().out == "\x1b[1;32ma[31mb\x1b[0m\n"
