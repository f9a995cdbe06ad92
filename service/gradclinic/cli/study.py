"""Commands for studies: study; studies list, show, watch, cancel and delete."""

from typing import Annotated

import typer

from ..client import Clinic, Study
from ..kernel.status import StudyStatus
from ..text.console import console_for, show
from ..text.progress import following
from ..text.study import studies_table, study_line
from .comparison import show_comparison
from .options import AsJson, Label, Limit, NoWait, Spec, Url, conditions, newest, print_json, print_submitted
from .specs import read_spec, with_experiment

StudyId = Annotated[str, typer.Argument(metavar="STUDY", help="Id of the study.")]
StudyIds = Annotated[list[str], typer.Argument(metavar="STUDY...", help="Ids of studies.")]

app = typer.Typer(help="List, show, watch, cancel and delete studies.", no_args_is_help=True)


def study(spec: Spec, *, url: Url = None, as_json: AsJson = False, no_wait: NoWait = False) -> int:
    """Train an experiment with several remedies, and rank them."""
    body = with_experiment(read_spec(spec))
    with Clinic(url) as clinic:
        found = clinic.post_study(body)
        if not no_wait:
            return _watch(found, as_json=as_json)
        if as_json:
            print_json(found.answer.document)
        else:
            print_submitted(found)
        return 0


@app.command("list")
def list_studies(
    *,
    status: Annotated[StudyStatus | None, typer.Option(help="Only studies with this status.")] = None,
    condition: Annotated[
        str | None,
        typer.Option(
            help="Only studies whose baseline has this primary condition in any run.", autocompletion=conditions
        ),
    ] = None,
    label: Label = None,
    limit: Limit = 20,
    url: Url = None,
    as_json: AsJson = False,
) -> int:
    """List studies that match all filters, newest first."""
    filters = {"status": status, "condition": condition, "label": label}
    with Clinic(url) as clinic:
        asked = {name: value for name, value in filters.items() if value}
        found = newest(clinic.studies(**asked, limit=min(limit + 1, 200)), limit)
    if as_json:
        print_json([each.answer.document for each in found])
    elif found:
        show(console_for(), studies_table([each.answer for each in found]))
    else:
        typer.echo("No studies match these filters." if asked else "There are no studies yet.")
    return 0


@app.command("show")
def show_study(study_id: StudyId, *, url: Url = None, as_json: AsJson = False) -> int:
    """Show a study: progress, and the ranking of its arms so far."""
    with Clinic(url) as clinic:
        found = clinic.get_study(study_id)
        if as_json:
            print_json(found.answer.document)
        else:
            typer.echo(study_line(found.answer))
            show_comparison(found.comparison().answer, page=found.page)
    return 0


@app.command("watch")
def watch_study(study_id: StudyId, *, url: Url = None, as_json: AsJson = False) -> int:
    """Follow a study until all its runs have ended, then rank its arms."""
    with Clinic(url) as clinic:
        return _watch(clinic.get_study(study_id), as_json=as_json)


@app.command("cancel")
def cancel_studies(study_ids: StudyIds, *, url: Url = None) -> int:
    """Cancel studies. Queued runs end immediately, running ones at their next step; finished ones are kept."""
    with Clinic(url) as clinic:
        for study_id in study_ids:
            typer.echo(f"{study_id} is {clinic.cancel_study(study_id)}")
    return 0


@app.command("delete")
def delete_studies(study_ids: StudyIds, *, url: Url = None) -> int:
    """Delete studies with their runs and data. Refused if a baseline or a check uses one of the runs."""
    with Clinic(url) as clinic:
        for study_id in study_ids:
            clinic.delete_study(study_id)
            typer.echo(f"{study_id} was deleted.")
    return 0


def _watch(found: Study, *, as_json: bool) -> int:
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
