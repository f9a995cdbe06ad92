"""The command that tests common advice by measurement."""

from typing import Annotated, Any

import typer
from rich.text import Text

from ..client import Clinic
from ..errors import InvalidSpec
from ..terminal.console import console_for, show
from ..terminal.numbers import short
from ..terminal.progress import following
from .options import AsJson, Url, print_json

Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID...]", help="Claims; all without one.")]
Quick = Annotated[bool, typer.Option("--quick", help="Smaller, and with one seed.")]


def claims(ids: Ids = None, *, url: Url = None, quick: Quick = False, as_json: AsJson = False) -> int:
    """Test common advice: train what decides each claim, and print the verdicts."""
    rulings: list[dict[str, Any]] = []
    with Clinic(url) as clinic:
        known = {claim["id"]: claim for claim in clinic.get("/v1/claims", quick=quick)["items"]}
        for each in ids or ():
            if each not in known:
                raise InvalidSpec.at("", f"there is no claim {each!r}", value=each, allowed=", ".join(known))
        for each in ids or known:
            study = clinic.post_study(known[each]["study"])
            progress = study.data["progress"]
            errors = console_for(stderr=True)
            with following(errors, what=each, steps=progress["steps"], runs=progress["runs"]) as follow:
                study.wait(progress=follow)
            rulings.append(clinic.get(f"/v1/claims/{each}/ruling", study=study.id, quick=quick))
            if not as_json:
                _show(rulings[-1])
    if as_json:
        print_json(rulings)
    return 0


def _show(ruling: dict[str, Any]) -> None:
    console = console_for()
    show(console, Text(f"{ruling['statement']}", style="bold"))
    show(console, Text(f"  {ruling['verdict']}: {ruling['explanation']}"))
    for figure in ruling["figures"]:
        show(console, Text(f"  {figure['name']}: {short(figure['value'])} {figure['unit']}".rstrip(), style="dim"))
