"""Commands for runs: run; runs list, show, watch, cancel and delete."""

from typing import Annotated

import typer

from ..client import Clinic, Run
from ..kernel.status import RunSource, RunStatus
from ..text.console import console_for, show
from ..text.progress import following
from ..text.run import run_words, runs_table
from .options import AsJson, Condition, Label, Limit, NoWait, Spec, Url, conditions, newest, print_json, print_submitted
from .specs import read_experiment

RunId = Annotated[str, typer.Argument(metavar="RUN", help="Id of the run.")]
RunIds = Annotated[list[str], typer.Argument(metavar="RUN...", help="Ids of runs.")]

app = typer.Typer(help="List, show, watch, cancel and delete runs.", no_args_is_help=True)


def run(spec: Spec, *, url: Url = None, as_json: AsJson = False, no_wait: NoWait = False) -> int:
    """Train an experiment, and diagnose it."""
    body = read_experiment(spec)
    with Clinic(url) as clinic:
        found = clinic.post_run(body).refresh()
        if not no_wait:
            return _watch(found, as_json=as_json)
        if as_json:
            print_json(found.answer.document)
        else:
            print_submitted(found)
        return 0


@app.command("list")
def list_runs(
    *,
    status: Annotated[RunStatus | None, typer.Option(help="Only runs with this status.")] = None,
    condition: Condition = None,
    finding: Annotated[
        str | None, typer.Option(help="Only runs with a finding of this condition.", autocompletion=conditions)
    ] = None,
    study: Annotated[str | None, typer.Option(help="Only runs of this study.")] = None,
    label: Label = None,
    source: Annotated[
        RunSource | None,
        typer.Option(help="Only runs of this kind; own: posted on their own, not by a study, a cure or a check."),
    ] = None,
    search: Annotated[
        str | None, typer.Option(help="Words of the name, arm, id, model or labels; all must be found.")
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(help="The order: name, duration, final_validation_loss, ...; with a minus, descending."),
    ] = None,
    limit: Limit = 20,
    url: Url = None,
    as_json: AsJson = False,
) -> int:
    """List runs that match all filters, by default the newest first."""
    filters: dict[str, str | list[str] | None] = {
        "status": status,
        "condition": condition,
        "finding": finding,
        "study": study,
        "label": label,
        "source": source,
        "search": search,
        "sort": sort,
    }
    with Clinic(url) as clinic:
        asked = {name: value for name, value in filters.items() if value}
        found = newest(clinic.runs(**asked, limit=min(limit + 1, 200)), limit)
    if as_json:
        print_json([each.answer.document for each in found])
    elif found:
        show(console_for(), runs_table([each.answer for each in found]))
    else:
        typer.echo("No runs match these filters." if asked else "There are no runs yet.")
    return 0


@app.command("show")
def show_run(
    run_id: RunId,
    *,
    spec: Annotated[
        bool, typer.Option("--spec", help="Print the request that trains it again, as JSON, instead.")
    ] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> int:
    """Show a run: status, metrics and diagnosis."""
    with Clinic(url) as clinic:
        found = clinic.get_run(run_id)
        if spec:
            print_json({"experiment": found.answer["experiment"], "remedies": found.answer.remedies})
        else:
            _show(found, as_json=as_json)
    return 0


@app.command("watch")
def watch_run(run_id: RunId, *, url: Url = None, as_json: AsJson = False) -> int:
    """Follow a run until it has ended, then show it."""
    with Clinic(url) as clinic:
        return _watch(clinic.get_run(run_id), as_json=as_json)


@app.command("cancel")
def cancel_runs(run_ids: RunIds, *, url: Url = None) -> int:
    """Cancel runs. Queued ones end immediately, running ones at their next step; recorded data is kept."""
    with Clinic(url) as clinic:
        for run_id in run_ids:
            typer.echo(f"{run_id} is {clinic.cancel_run(run_id)}")
    return 0


@app.command("delete")
def delete_runs(run_ids: RunIds, *, url: Url = None) -> int:
    """Delete runs with their data. Refused for those that a baseline or a check uses."""
    with Clinic(url) as clinic:
        for run_id in run_ids:
            clinic.delete_run(run_id)
            typer.echo(f"{run_id} was deleted.")
    return 0


def _watch(found: Run, *, as_json: bool) -> int:
    errors = console_for(stderr=True)
    with following(errors, what=found.id, steps=found.answer.progress.steps or 0) as follow:
        found.wait(progress=follow)
    _show(found, as_json=as_json)
    return 0 if found.status == "succeeded" else 1


def _show(found: Run, *, as_json: bool) -> None:
    if as_json:
        print_json(found.answer.document)
    else:
        diagnosis = found.answer.diagnosis if found.ended else found.diagnosis()
        show(console_for(), run_words(found.answer, diagnosis, page=found.page))
