"""The command that trains one experiment: run."""

from collections.abc import Mapping
from typing import Any

import typer
from rich.text import Text

from ..client import Clinic
from ..schemas import DiagnosisAnswer
from ..text.console import console_for, show
from ..text.diagnosis import diagnosis_words
from ..text.progress import following, metrics_line
from .options import AsJson, NoWait, Spec, Url, print_json
from .specs import read_spec, with_experiment


def run(spec: Spec, *, url: Url = None, as_json: AsJson = False, no_wait: NoWait = False) -> int:
    """Train one experiment, and say what is wrong with it."""
    body = with_experiment(read_spec(spec))
    with Clinic(url) as clinic:
        queued = clinic.post("/v1/runs", body)
        found = clinic.get_run(queued["id"])
        if not no_wait:
            errors = console_for(stderr=True)
            with following(errors, what=found.id, steps=found.data["progress"]["steps"]) as follow:
                found.wait(progress=follow)
        if as_json:
            print_json(found.data)
        elif no_wait:
            typer.echo(f"{found.id} is {found.status}; {clinic.url}{found.data['urls']['page']}")
        else:
            known = found.data["diagnosis"]
            diagnosis = None if known is None else DiagnosisAnswer.model_validate(known)
            show_run(found.data, diagnosis, url=clinic.url)
        return 0 if no_wait or found.status == "succeeded" else 1


def show_run(data: Mapping[str, Any], diagnosis: DiagnosisAnswer | None, *, url: str) -> None:
    """A run in words: how it ended, and what is wrong with it."""
    console = console_for()
    name = f" ({data['name']})" if data["name"] else ""
    show(console, Text(f"{data['id']}{name}: {data['status']}", style="bold"))
    if data["status"] not in {"succeeded", "running", "queued"}:
        show(console, Text(f"  {data['reason']['text']}"))
    if data["origin"] == "service" and not data.get("repeatable", True):
        show(console, Text("  Its data set was deleted: it cannot be trained again."))
    if data["metrics"] is not None:
        show(console, Text(f"  {metrics_line(data['metrics'])}"))
    if diagnosis is not None:
        show(console, Text(""), diagnosis_words(diagnosis, steps=data["progress"]["steps"]))
    show(console, Text(f"\n{url}{data['urls']['page']}", style="dim"))
