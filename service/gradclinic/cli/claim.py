"""The command that tests common advice with measurements: claims."""

from typing import Annotated

import typer

from ..client import Clinic
from ..kernel.errors import InvalidSpec
from ..kernel.json import JsonObject
from ..schemas.claim import RulingAnswer
from ..text.claim import ruling_words, rulings_table
from ..text.console import console_for, show
from ..text.progress import following
from .options import AsJson, Url, print_json

Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID...]", help="Claims to test; all by default.")]
Quick = Annotated[bool, typer.Option("--quick", help="Use smaller networks and one seed.")]


def claims(ids: Ids = None, *, url: Url = None, quick: Quick = False, as_json: AsJson = False) -> int:
    """Test common advice with measurements, and show a verdict for each claim."""
    rulings: list[RulingAnswer] = []
    documents: list[JsonObject] = []
    with Clinic(url) as clinic:
        known = {claim.id: claim for claim in clinic.claims(quick=quick)}
        for each in ids or ():
            if each not in known:
                raise InvalidSpec.at("", f"there is no claim {each!r}", value=each, allowed=", ".join(known))
        for each in ids or known:
            study = clinic.post_study(known[each].study)
            progress = study.answer.progress
            errors = console_for(stderr=True)
            with following(errors, what=each, steps=progress.steps, runs=progress.runs) as follow:
                study.wait(progress=follow)
            ruling = clinic.ruling(each, study, quick=quick)
            rulings.append(ruling)
            documents.append({**ruling.document, "study_id": study.id})
            if not as_json:
                show(console_for(), ruling_words(ruling, study=study.page), "")
    if as_json:
        print_json(documents)
    elif len(rulings) > 1:
        show(console_for(), rulings_table(rulings))
    return 0
