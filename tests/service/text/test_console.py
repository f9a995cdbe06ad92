import pytest

from gradclinic.text.console import console_for, show, speaks_unicode


def test_plain_output_has_neither_colours_nor_trailing_blanks(capsys: pytest.CaptureFixture[str]) -> None:
    console = console_for()
    show(console, "a" + " " * 50, "b")
    assert capsys.readouterr().out == "a\nb\n"
    assert isinstance(speaks_unicode(console), bool)
