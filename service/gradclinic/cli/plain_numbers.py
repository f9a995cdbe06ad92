"""Options that are numbers take them as queries do: `1_0`, ` 10` and `inf` are refused, which Python would read."""

from copy import copy
from typing import TYPE_CHECKING, Any, TypeVar

from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from ..kernel.plain_values import Form

Command = TypeVar("Command", bound=TyperCommand | TyperGroup)
_NUMBERS = {"int": int, "int range": int, "float": float, "float range": float}
"""By the names of typer's types."""


def read_plain_numbers(command: Command) -> Command:
    """Let the options of a command, and of those below it, refuse numbers that JSON does not write so."""
    from ..kernel.plain_values import form_of  # it imports pydantic, which the list of commands does without

    for option in command.params:
        kind = getattr(option, "type", None)  # typer's versions differ; where it has none, Python's reading remains
        if wanted := _NUMBERS.get(getattr(kind, "name", "")):
            option.type = _only(form_of(wanted), kind)
    for below in command.commands.values() if isinstance(command, TyperGroup) else ():
        read_plain_numbers(below)  # type: ignore[type-var]  # typer makes no others
    return command


def _only(form: "Form", kind: Any) -> Any:
    """The same type (which typer shares between options) that takes nothing but the form."""

    def convert(value: Any, option: Any, context: Any) -> Any:
        if isinstance(value, str) and not form.pattern.fullmatch(value):
            kind.fail(f"{value!r} is not {form.words}.", option, context)
        return kind.convert(value, option, context)

    strict = copy(kind)
    strict.convert = convert
    return strict
