"""The command that shows what specs can use: catalogue."""

from collections.abc import Sequence
from typing import Annotated

import typer

from ..kernel.errors import InvalidSpec
from ..kernel.json import JsonObject
from ..text.catalogue import entry_words, section_words
from ..text.console import console_for, show
from .options import AsJson, Url, print_json


def _sections(incomplete: str) -> list[str]:
    return [name for name in _catalogue(None) if name.startswith(incomplete)]


def _entries(context: typer.Context, incomplete: str) -> list[str]:
    kinds = [entry["kind"] for entry in _catalogue(None).get(context.params["section"], ())]
    return [kind for kind in kinds if kind.startswith(incomplete)]


def catalogue(
    section: Annotated[
        str | None, typer.Argument(help="One section: models, layers, remedies, ...", autocompletion=_sections)
    ] = None,
    entry: Annotated[
        str | None, typer.Argument(help="One entry of the section, with all its fields.", autocompletion=_entries)
    ] = None,
    *,
    url: Url = None,
    as_json: AsJson = False,
) -> int:
    """Show everything that specs can use, or one entry in full, for example `catalogue remedies swap_activation`.

    If no service is running, show what this installation supports.
    """
    found = _catalogue(url)
    if section is not None:
        if section not in found:
            raise InvalidSpec.at("", f"there is no section {section!r}", allowed=", ".join(found))
        found = {section: found[section]}
    if section is not None and entry is not None:
        one = _one(found[section], section, entry)
        print_json(one) if as_json else show(console_for(), entry_words(section, one))
    elif as_json:
        print_json(found)
    else:
        show(console_for(), *(section_words(name, entries) for name, entries in found.items()))
    return 0


def _one(entries: Sequence[JsonObject], section: str, kind: str) -> JsonObject:
    for each in entries:
        if each["kind"] == kind:
            return each
    raise InvalidSpec.at("", f"there is no {kind!r} in {section}", allowed=", ".join(each["kind"] for each in entries))


def _catalogue(url: str | None) -> JsonObject:
    if url is not None:
        from ..client import Clinic

        with Clinic(url) as clinic:
            return clinic.catalogue().document
    from ..schemas.catalogue import CatalogueAnswer
    from ..use_cases.catalogue import catalogue as own

    return CatalogueAnswer.model_validate(own()).model_dump(mode="json")
