"""Commands of regression: check, baseline, schedule.

`check` ends with 0 pass, 1 fail, 2 usage, 3 inconclusive, 4 the service could not do it.
"""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from ..client import Clinic
from ..kernel.errors import InvalidSpec
from ..text.check import STYLES, check_words, watching
from ..text.console import console_for, show
from . import UNAVAILABLE
from .options import AsJson, Url, print_json
from .run import NoWait, numbers_by_name
from .specs import read_spec, with_experiment

STATUS = {"pass": 0, "fail": 1, "inconclusive": 3}

Spec = Annotated[
    str | None,
    typer.Argument(
        metavar="[SPEC]",
        help="What to train: a JSON or YAML file, or - for standard input.",
        show_default="the baseline's own experiment",
    ),
]
BaselineName = Annotated[str | None, typer.Option("--baseline", help="Name of the baseline.")]
Seeds = Annotated[int | None, typer.Option("--seeds", min=1, help="How many of its seeds.", show_default="all of them")]
Margin = Annotated[
    list[str] | None,
    typer.Option(
        metavar="METRIC=VALUE",
        help="Look at this metric, which may be worse by so much; repeatable.",
        show_default="final_validation_loss=0.1, final_validation_accuracy=0.02",
    ),
]
Junit = Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML, for CI systems.")]
Name = Annotated[str, typer.Argument(metavar="NAME")]

baseline = typer.Typer(help="Pinned results that checks are held against.", no_args_is_help=True)
schedule = typer.Typer(help="Checks that start by themselves.", no_args_is_help=True)


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
    """Train a new result, and say whether it is no worse than a baseline; exit status 0 pass, 1 fail, 3 undecided."""
    if junit is not None and no_wait:
        raise InvalidSpec.at("", "without waiting there is no result yet", allowed="--junit or --no-wait")
    with Clinic(url) as clinic:
        found = clinic.post_check(_body(clinic, spec, baseline=baseline, seeds=seeds, margin=margin))
        if not no_wait:
            with watching(console_for(stderr=True), found.data) as watch:
                watch(found.wait(progress=watch).data)
            if junit is not None:
                junit.write_bytes(found.junit())
        page = f"{clinic.url}{found.data['urls']['page']}"
        if as_json:
            print_json(found.data)
        elif no_wait:
            typer.echo(f"{found.id} is {found.status}; {page}")
        else:
            show(console_for(), check_words(found.data), Text(f"\n{page}", style="dim"))
        return 0 if no_wait else STATUS.get(found.verdict or "", UNAVAILABLE)


def _body(
    clinic: Clinic, spec: str | None, *, baseline: str | None, seeds: int | None, margin: list[str] | None
) -> dict[str, Any]:
    body = {} if spec is None else with_experiment(read_spec(spec))
    name = baseline or body.get("baseline")
    if name is None:
        raise InvalidSpec.at("/baseline", "which baseline is it held against?", allowed="--baseline NAME")
    body = {**body, "baseline": name}
    if margin:
        body["margins"] = numbers_by_name(margin, what="margin", form="METRIC=VALUE")
    if seeds is not None:
        known = clinic.baseline(str(name))["pin"]["seeds"]
        if seeds > len(known):
            raise InvalidSpec.at(
                "/seeds", f"the baseline {name!r} has {len(known)} seeds", value=seeds, allowed=f"1 to {len(known)}"
            )
        body["seeds"] = known[:seeds]
    return body


@baseline.command("pin")
def pin(
    name: Name,
    *,
    study: Annotated[str | None, typer.Option("--study", metavar="STUDY", help="A study that has ended.")] = None,
    arm: Annotated[str | None, typer.Option("--arm", help="Its arm.", show_default="baseline")] = None,
    run: Annotated[list[str] | None, typer.Option("--run", metavar="RUN", help="A run; repeatable.")] = None,
    check: Annotated[str | None, typer.Option("--check", metavar="CHECK", help="The new runs of a check.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> int:
    """Have a name point at the runs of a study's arm, of a check, or at runs by name."""
    with Clinic(url) as clinic:
        return _show_baseline(clinic.pin(name, study=study, arm=arm, runs=run or None, check=check), as_json=as_json)


@baseline.command("list")
def list_baselines(*, url: Url = None, as_json: AsJson = False) -> int:
    """List the baselines."""
    with Clinic(url) as clinic:
        found = list(clinic.baselines())
    if as_json:
        print_json(found)
    for each in [] if as_json else found:
        typer.echo(f"{each['name']}  {len(each['pin']['seeds'])} seeds of {_source(each['pin'])}")
    return 0


@baseline.command("show")
def show_baseline(name: Name, *, url: Url = None, as_json: AsJson = False) -> int:
    """Show what a baseline points at, and what it pointed at before."""
    with Clinic(url) as clinic:
        return _show_baseline(clinic.baseline(name), as_json=as_json)


@baseline.command("delete")
def delete_baseline(name: Name, *, url: Url = None) -> int:
    """Take a baseline's name away; its runs stay."""
    with Clinic(url) as clinic:
        clinic.delete_baseline(name)
    return 0


def _show_baseline(found: dict[str, Any], *, as_json: bool) -> int:
    if as_json:
        print_json(found)
        return 0
    typer.echo(f"{found['name']}: {len(found['pin']['seeds'])} seeds")
    for each in found["history"]:
        mark = "*" if each["pinned_at"] == found["pin"]["pinned_at"] else " "
        typer.echo(f"{mark} {_minute(each['pinned_at'])}  {len(each['seeds'])} seeds of {_source(each)}")
    return 0


def _source(pin: dict[str, Any]) -> str:
    if pin["study_id"] is not None:
        return f"{pin['study_id']}, arm {pin['arm']}"
    return str(pin["check_id"]) if pin["check_id"] is not None else "runs by name"


@schedule.command("create")
def create(
    name: Name,
    spec: Spec = None,
    *,
    cron: Annotated[str, typer.Option("--cron", help="When: minute, hour, day of the month, month, day of the week.")],
    zone: Annotated[str, typer.Option("--zone", help="Time zone of that line.")] = "UTC",
    baseline: BaselineName = None,
    seeds: Seeds = None,
    margin: Margin = None,
    url: Url = None,
    as_json: AsJson = False,
) -> int:
    """Start a check whenever a cron line is due."""
    with Clinic(url) as clinic:
        body = _body(clinic, spec, baseline=baseline, seeds=seeds, margin=margin)
        return _show_schedule(clinic.schedule(name, cron, body, zone=zone), as_json=as_json)


@schedule.command("list")
def list_schedules(*, url: Url = None, as_json: AsJson = False) -> int:
    """List the schedules."""
    with Clinic(url) as clinic:
        found = list(clinic.schedules())
    if as_json:
        print_json(found)
    for each in [] if as_json else found:
        typer.echo(_line(each))
    return 0


@schedule.command("show")
def show_schedule(name: Name, *, url: Url = None, as_json: AsJson = False) -> int:
    """Show a schedule, and the verdicts of its last checks."""
    with Clinic(url) as clinic:
        return _show_schedule(clinic.get_schedule(name), as_json=as_json)


@schedule.command("pause")
def pause(name: Name, *, url: Url = None) -> int:
    """Start nothing until it is resumed."""
    with Clinic(url) as clinic:
        return _show_schedule(clinic.pause_schedule(name), as_json=False)


@schedule.command("resume")
def resume(name: Name, *, url: Url = None) -> int:
    """Go on from now."""
    with Clinic(url) as clinic:
        return _show_schedule(clinic.pause_schedule(name, paused=False), as_json=False)


@schedule.command("delete")
def delete_schedule(name: Name, *, url: Url = None) -> int:
    """Remove a schedule; the checks that it started stay."""
    with Clinic(url) as clinic:
        clinic.delete_schedule(name)
    return 0


def _show_schedule(found: dict[str, Any], *, as_json: bool) -> int:
    if as_json:
        print_json(found)
        return 0
    console = console_for()
    show(console, Text(_line(found)))
    for each in found["last"]:
        verdict = each["verdict"] or each["problem"] or each["status"] or "its check was deleted"
        words = Text(verdict, style=STYLES.get(verdict, ""))
        show(console, Text.assemble(f"  {_minute(each['due_at'])}  {each['check_id'] or '-'}  ", words))
    return 0


def _line(found: dict[str, Any]) -> str:
    due = "paused" if found["paused"] else f"next {_minute(found['next_due_at'])}"
    return f"{found['name']}  {found['cron']}  {found['zone']}  against {found['check']['baseline']}  {due}"


def _minute(moment: str | None) -> str:
    return "never" if moment is None else f"{moment[:10]} {moment[11:16]} UTC"
