"""The command that searches for a cure: prescribe."""

import json
from typing import Annotated

import typer

from ..client import Clinic
from ..kernel.errors import InvalidSpec
from ..text.console import console_for, show
from ..text.prescription import prescription_words, watching
from .options import AsJson, NoWait, Spec, Url, print_json, print_submitted
from .specs import read_experiment

Runs = Annotated[int | None, typer.Option("--runs", help="Budget of the search as a number of runs, at least 16.")]
Seconds = Annotated[
    float | None,
    typer.Option("--seconds", help="Budget of the search as total seconds of training.", show_default="240"),
]


def prescribe(
    spec: Spec,
    *,
    url: Url = None,
    runs: Runs = None,
    seconds: Seconds = None,
    as_json: AsJson = False,
    no_wait: NoWait = False,
) -> int:
    """Search for remedies that cure an experiment, and show the evidence."""
    body = read_experiment(spec)
    if runs is not None and seconds is not None:
        raise InvalidSpec.at("/budget", "a budget has either seconds or runs", allowed="--seconds or --runs")
    if runs is not None or seconds is not None:
        body = {**body, "budget": {"seconds": seconds, "runs": runs}}
    with Clinic(url) as clinic:
        found = clinic.post_prescription(body)
        if not no_wait:
            with watching(console_for(stderr=True), found.id) as watch:
                found.wait(progress=watch)
        if as_json:
            print_json(found.found.document)
        elif no_wait:
            print_submitted(found)
        else:
            show(console_for(), prescription_words(found.found))
            typer.echo(f"\nDetails: {found.page}")
            if found.cure is not None:
                typer.echo("\nThe cured experiment, ready to submit to /v1/runs:")
                typer.echo(json.dumps({"experiment": found.cure.resolved_experiment}))  # one line, to be copied
        return 0 if no_wait or found.status == "succeeded" else 1
