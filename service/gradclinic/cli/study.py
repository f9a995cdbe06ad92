"""The command that tries remedies side by side: study."""

import typer

from ..client import Clinic
from ..text.console import console_for
from ..text.progress import following
from .comparison import show_comparison
from .options import AsJson, NoWait, Spec, Url, print_json
from .specs import read_spec, with_experiment


def study(spec: Spec, *, url: Url = None, as_json: AsJson = False, no_wait: NoWait = False) -> int:
    """Try remedies side by side, and rank them."""
    body = with_experiment(read_spec(spec))
    with Clinic(url) as clinic:
        found = clinic.post_study(body)
        if no_wait:
            if as_json:
                print_json(found.data)
            else:
                typer.echo(f"{found.id} is {found.status}; {clinic.url}{found.data['urls']['page']}")
            return 0
        progress = found.data["progress"]
        errors = console_for(stderr=True)
        with following(errors, what=found.id, steps=progress["steps"], runs=progress["runs"]) as follow:
            found.wait(progress=follow)
        comparison = found.comparison().data
        if as_json:
            print_json(comparison)
        else:
            show_comparison(comparison, page=f"{clinic.url}{found.data['urls']['page']}")
        return 0 if found.status == "succeeded" else 1
