"""Commands for baselines: baseline pin, list, show and delete."""

from typing import Annotated

import typer

from ..client import Clinic
from ..kernel.errors import InvalidSpec
from ..schemas.baseline import BaselineAnswer, PinAnswer
from ..text.numbers import minute
from .options import AsJson, Name, Url, print_json, print_listed

app = typer.Typer(help="Manage baselines: pinned runs that checks are compared with.", no_args_is_help=True)


@app.command("pin")
def pin(
    name: Name,
    *,
    study: Annotated[str | None, typer.Option("--study", metavar="STUDY", help="A study that has ended.")] = None,
    arm: Annotated[str | None, typer.Option("--arm", help="Arm of the study.", show_default="the only one")] = None,
    run: Annotated[list[str] | None, typer.Option("--run", metavar="RUN", help="A run; repeatable.")] = None,
    check: Annotated[
        str | None, typer.Option("--check", metavar="CHECK", help="A check whose new runs become the baseline.")
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> int:
    """Pin runs as a named baseline: a study's arm, the runs of a check, or a list of runs."""
    if sum(each is not None for each in (study, run or None, check)) != 1:
        raise InvalidSpec.at("", "it is not clear what to pin", allowed="one of --study, --run and --check")
    with Clinic(url) as clinic:
        return _show_baseline(clinic.pin(name, study=study, arm=arm, runs=run or None, check=check), as_json=as_json)


@app.command("list")
def list_baselines(*, url: Url = None, as_json: AsJson = False) -> int:
    """List all baselines."""
    with Clinic(url) as clinic:
        found = list(clinic.baselines())
    return print_listed(found, _line, what="baselines", as_json=as_json)


@app.command("show")
def show_baseline(name: Name, *, url: Url = None, as_json: AsJson = False) -> int:
    """Show the runs of a baseline, now and before."""
    with Clinic(url) as clinic:
        return _show_baseline(clinic.baseline(name), as_json=as_json)


@app.command("delete")
def delete_baseline(name: Name, *, url: Url = None) -> int:
    """Delete a baseline. Its runs stay."""
    with Clinic(url) as clinic:
        clinic.delete_baseline(name)
    return 0


def _show_baseline(found: BaselineAnswer, *, as_json: bool) -> int:
    if as_json:
        print_json(found.document)
        return 0
    typer.echo(f"{found.name}: {found.summary}")
    for note in found.notes:
        typer.echo(note)
    for each in found.history:
        mark = "*" if each.pinned_at == found.pin.pinned_at else " "
        typer.echo(f"{mark} {minute(each.pinned_at)}  {len(each.seeds)} seeds of {_source(each)}")
    return 0


def _line(found: BaselineAnswer) -> str:
    return f"{found.name}  {len(found.pin.seeds)} seeds of {_source(found.pin)}"


def _source(pin: PinAnswer) -> str:
    if pin.study_id is not None:
        return f"{pin.study_id}, arm {pin.arm}"
    return str(pin.check_id) if pin.check_id is not None else "a list of runs"
