"""The command that trains an experiment: run."""

import typer

from ..client import Clinic
from ..text.console import console_for, show
from ..text.progress import following
from ..text.run import run_words
from .options import AsJson, NoWait, Spec, Url, print_json
from .specs import read_spec, with_experiment


def run(spec: Spec, *, url: Url = None, as_json: AsJson = False, no_wait: NoWait = False) -> int:
    """Train an experiment, and diagnose it."""
    body = with_experiment(read_spec(spec))
    with Clinic(url) as clinic:
        found = clinic.post_run(body).refresh()
        if not no_wait:
            errors = console_for(stderr=True)
            with following(errors, what=found.id, steps=found.answer.progress.steps or 0) as follow:
                found.wait(progress=follow)
        if as_json:
            print_json(found.answer.document)
        elif no_wait:
            typer.echo(f"{found.id} is {found.status}; {found.page}")
        else:
            show(console_for(), run_words(found.answer, found.answer.diagnosis, page=found.page))
        return 0 if no_wait or found.status == "succeeded" else 1
