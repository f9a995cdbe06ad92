"""The command that checks a new result against a baseline: check.

Exit status: 0 pass, 1 fail, 2 usage error, 3 inconclusive, 4 the service could not do the check.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from ..client import Clinic
from ..kernel.errors import InvalidSpec
from ..kernel.json import JsonObject
from ..text.check import check_words, watching
from ..text.console import console_for, show
from . import UNAVAILABLE
from .options import AsJson, NoWait, Url, numbers_by_name, print_json, print_submitted
from .specs import read_experiment

STATUS = {"pass": 0, "fail": 1, "inconclusive": 3}

Spec = Annotated[
    str | None,
    typer.Argument(
        metavar="[SPEC]",
        help="The experiment: a JSON or YAML file, or - for standard input.",
        show_default="the baseline's experiment",
    ),
]
BaselineName = Annotated[str | None, typer.Option("--baseline", help="Name of the baseline.")]
Seeds = Annotated[
    int | None,
    typer.Option("--seeds", min=1, help="How many of the baseline's seeds to train.", show_default="all of them"),
]
Margin = Annotated[
    list[str] | None,
    typer.Option(
        metavar="METRIC=VALUE",
        help="Check this metric; it may be worse by this much. Repeatable.",
        show_default="final_validation_loss=0.1, final_validation_accuracy=0.02",
    ),
]
Junit = Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML, for CI systems.")]


def check(
    spec: Spec = None,
    *,
    baseline: BaselineName = None,
    seeds: Seeds = None,
    margin: Margin = None,
    url: Url = None,
    as_json: AsJson = False,
    junit: Junit = None,
    no_wait: NoWait = False,
) -> int:
    """Train an experiment and check it for a regression. Exit status: 0 pass, 1 fail, 3 inconclusive."""
    if junit is not None and no_wait:
        raise InvalidSpec.at("", "there is no result without waiting", allowed="--junit or --no-wait")
    with Clinic(url) as clinic:
        found = clinic.post_check(check_body(clinic, spec, baseline=baseline, seeds=seeds, margin=margin))
        for note in found.found.notes:
            typer.echo(note, err=True)
        if not no_wait:
            with watching(console_for(stderr=True), found.answer) as watch:
                watch(found.wait(progress=watch).answer)
            if junit is not None:
                junit.write_bytes(found.junit())
        if as_json:
            print_json(found.answer.document)
        elif no_wait:
            print_submitted(found)
        else:
            show(console_for(), check_words(found.answer), Text(f"\n{found.page}", style="dim"))
        return 0 if no_wait else STATUS.get(found.verdict or "", UNAVAILABLE)


def check_body(
    clinic: Clinic, spec: str | None, *, baseline: str | None, seeds: int | None, margin: list[str] | None
) -> JsonObject:
    """The body of a check from the options of a command; raises InvalidSpec."""
    asked = {} if spec is None else read_experiment(spec)
    name = baseline or asked.get("baseline")
    if name is None:
        raise InvalidSpec.at("/baseline", "a baseline is required", allowed="--baseline NAME")
    body = {**asked, "baseline": name}
    if margin:
        body["margins"] = numbers_by_name(margin, what="margin", form="METRIC=VALUE")
    if seeds is not None:
        known = clinic.baseline(str(name)).pin.seeds
        if seeds > len(known):
            raise InvalidSpec.at(
                "/seeds", f"the baseline {name!r} has {len(known)} seeds", value=seeds, allowed=f"1 to {len(known)}"
            )
        body["seeds"] = known[:seeds]
    return body
