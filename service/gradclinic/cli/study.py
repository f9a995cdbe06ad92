"""The command that compares remedies: study."""

import typer

from ..client import Clinic
from ..text.console import console_for
from ..text.progress import following
from .comparison import show_comparison
from .options import AsJson, NoWait, Spec, Url, print_json
from .specs import read_spec, with_experiment


def study(spec: Spec, *, url: Url = None, as_json: AsJson = False, no_wait: NoWait = False) -> int:
    """Train an experiment with several remedies, and rank them."""
    body = with_experiment(read_spec(spec))
    with Clinic(url) as clinic:
        found = clinic.post_study(body)
        if no_wait:
            if as_json:
                print_json(found.answer.document)
            else:
                typer.echo(f"{found.id} is {found.status}; {found.page}")
            return 0
        progress = found.answer.progress
        errors = console_for(stderr=True)
        with following(errors, what=found.id, steps=progress.steps, runs=progress.runs) as follow:
            found.wait(progress=follow)
        comparison = found.comparison().answer
        if as_json:
            print_json(comparison.document)
        else:
            show_comparison(comparison, page=found.page)
        return 0 if found.status == "succeeded" else 1
