"""Options that several commands share."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from ..client import URL_VARIABLE
from ..kernel.errors import InvalidSpec
from ..kernel.plain_values import refused_form

if TYPE_CHECKING:
    from ..client.submitted import Submitted
    from ..schemas.base import Answer

Item = TypeVar("Item")
Answered = TypeVar("Answered", bound="Answer")
Url = Annotated[
    str | None,
    typer.Option("--url", envvar=URL_VARIABLE, help="Address of the service.", show_default="http://127.0.0.1:8000"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", help="Folder in which all data is stored.", show_default="GRADCLINIC_DATA_DIR, else ./data"
    ),
]
Workers = Annotated[
    int | None, typer.Option("--workers", min=0, help="Number of workers.", show_default="one per core and GPU")
]
Spec = Annotated[
    str, typer.Argument(metavar="SPEC", help="What to train, as a JSON or YAML file; - is standard input.")
]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many to show.")]
Label = Annotated[
    list[str] | None, typer.Option("--label", metavar="KEY:VALUE", help="Only those with this label; repeatable.")
]


def conditions(incomplete: str) -> list[str]:
    """The conditions that begin with what was typed, for completion."""
    from ..diagnosis.rules import RULES

    return [each for each in RULES if each.startswith(incomplete)]


Condition = Annotated[
    str | None, typer.Option(help="Only those with this primary condition.", autocompletion=conditions)
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Return when it is queued, without waiting for the result.")]
Name = Annotated[str, typer.Argument(metavar="NAME")]


def print_json(value: object) -> None:
    """Print a JSON document to standard output."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def print_submitted(found: "Submitted[Any]") -> None:
    """Say what became of a request, and where its page is."""
    typer.echo(f"{found.id} is {found.status}; {found.page}")


def print_listed(found: Sequence[Answered], line: Callable[[Answered], str], *, what: str, as_json: bool) -> int:
    """Print a line for each item of a list, or all of them as JSON; returns the exit status. `what`: as `webhooks`."""
    if as_json:
        print_json([each.document for each in found])
        return 0
    for each in found:
        typer.echo(line(each))
    if not found:
        typer.echo(f"There are no {what} yet.", err=True)
    return 0


def newest(found: Iterator[Item], limit: int) -> list[Item]:
    """The first items of a list; on standard error, whether there are more."""
    first = list(islice(found, limit))
    if next(found, None) is not None:
        typer.echo(f"These are the first {limit}; --limit shows more.", err=True)
    return first


def numbers_by_name(given: list[str], *, what: str, form: str) -> dict[str, float]:
    """The values of a repeatable option NAME=VALUE; raises InvalidSpec."""
    found = {}
    for each in given:
        name, separator, value = each.partition("=")
        if not separator or refused_form(float, value):
            raise InvalidSpec.at("", f"{each!r} is not a {what}", allowed=form)
        found[name] = float(value)
    return found
