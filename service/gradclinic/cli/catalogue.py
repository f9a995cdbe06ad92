"""The command that shows what specs can use: catalogue."""

from typing import Annotated

import typer
from rich.text import Text

from ..client import Clinic
from ..kernel.errors import InvalidSpec
from ..kernel.json import JsonObject
from ..text.console import console_for, show
from .options import AsJson, Url, print_json


def catalogue(
    section: Annotated[str | None, typer.Argument(help="One section: models, layers, remedies, ...")] = None,
    *,
    url: Url = None,
    as_json: AsJson = False,
) -> int:
    """Show everything that specs can use. If no service is running, show what this installation supports."""
    found = _catalogue(url)
    if section is not None:
        if section not in found:
            raise InvalidSpec.at("", f"there is no section {section!r}", allowed=", ".join(found))
        found = {section: found[section]}
    if as_json:
        print_json(found)
        return 0
    console = console_for()
    for name, entries in found.items():
        widest = max((len(entry["kind"]) for entry in entries), default=0)
        show(console, Text(name, style="bold"))
        for entry in entries:
            show(console, Text(f"  {entry['kind']:<{widest}}  {entry['help']}"))
    return 0


def _catalogue(url: str | None) -> JsonObject:
    if url is not None:
        with Clinic(url) as clinic:
            return clinic.catalogue().document
    from ..schemas.catalogue import CatalogueAnswer
    from ..use_cases.catalogue import catalogue as own

    return CatalogueAnswer.model_validate(own()).model_dump(mode="json")
