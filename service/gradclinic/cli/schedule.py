"""Commands for checks on a schedule: schedule create, list, show, pause, resume and delete."""

from typing import Annotated

import typer
from rich.text import Text

from ..client import Clinic
from ..schemas.schedule import ScheduleAnswer
from ..text.check import STYLES
from ..text.console import console_for, show
from ..text.numbers import minute
from .check import BaselineName, Margin, Seeds, Spec, check_body
from .options import AsJson, Name, Url, print_json, print_listed

app = typer.Typer(help="Run checks on a cron schedule.", no_args_is_help=True)


@app.command("create")
def create(
    name: Name,
    spec: Spec = None,
    *,
    cron: Annotated[
        str, typer.Option("--cron", help="Cron expression: minute, hour, day of the month, month, day of the week.")
    ],
    zone: Annotated[str, typer.Option("--zone", help="Time zone of the cron expression.")] = "UTC",
    baseline: BaselineName = None,
    seeds: Seeds = None,
    margin: Margin = None,
    url: Url = None,
    as_json: AsJson = False,
) -> int:
    """Create a schedule that starts a check at each due time."""
    with Clinic(url) as clinic:
        body = check_body(clinic, spec, baseline=baseline, seeds=seeds, margin=margin)
        return _show_schedule(clinic.schedule(name, cron, body, zone=zone), as_json=as_json)


@app.command("list")
def list_schedules(*, url: Url = None, as_json: AsJson = False) -> int:
    """List all schedules."""
    with Clinic(url) as clinic:
        found = list(clinic.schedules())
    return print_listed(found, _line, what="schedules", as_json=as_json)


@app.command("show")
def show_schedule(name: Name, *, url: Url = None, as_json: AsJson = False) -> int:
    """Show a schedule, and the verdicts of its last checks."""
    with Clinic(url) as clinic:
        return _show_schedule(clinic.get_schedule(name), as_json=as_json)


@app.command("pause")
def pause(name: Name, *, url: Url = None) -> int:
    """Pause a schedule: no checks are started until it is resumed."""
    with Clinic(url) as clinic:
        return _show_schedule(clinic.pause_schedule(name), as_json=False)


@app.command("resume")
def resume(name: Name, *, url: Url = None) -> int:
    """Resume a paused schedule."""
    with Clinic(url) as clinic:
        return _show_schedule(clinic.pause_schedule(name, paused=False), as_json=False)


@app.command("delete")
def delete_schedule(name: Name, *, url: Url = None) -> int:
    """Delete a schedule. Its checks stay."""
    with Clinic(url) as clinic:
        clinic.delete_schedule(name)
    return 0


def _show_schedule(found: ScheduleAnswer, *, as_json: bool) -> int:
    if as_json:
        print_json(found.document)
        return 0
    console = console_for()
    show(console, Text(_line(found)))
    for each in found.last:
        verdict = each.verdict or each.problem or each.status or "its check was deleted"
        words = Text(verdict, style=STYLES.get(verdict, ""))
        show(console, Text.assemble(f"  {minute(each.due_at)}  {each.check_id or '-'}  ", words))
    return 0


def _line(found: ScheduleAnswer) -> str:
    due = "paused" if found.paused else f"next {minute(found.next_due_at)}"
    return f"{found.name}  {found.cron}  {found.zone}  against {found.check['baseline']}  {due}"
