"""Options that several commands share."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..client import URL_VARIABLE
from ..kernel.errors import InvalidSpec

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
Spec = Annotated[str, typer.Argument(metavar="SPEC", help="A JSON or YAML file, or - for standard input.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Return when it is queued, without waiting for the result.")]
Name = Annotated[str, typer.Argument(metavar="NAME")]


def print_json(value: object) -> None:
    """Print a JSON document to standard output."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def numbers_by_name(given: list[str], *, what: str, form: str) -> dict[str, float]:
    """The values of a repeatable option NAME=VALUE; raises InvalidSpec."""
    found = {}
    for each in given:
        name, separator, value = each.partition("=")
        try:
            found[name] = float(value)
        except ValueError:
            separator = ""
        if not separator:
            raise InvalidSpec.at("", f"{each!r} is not a {what}", allowed=form)
    return found
