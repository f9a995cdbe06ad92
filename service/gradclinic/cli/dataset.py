"""Commands for uploaded data sets: upload; datasets list, show and delete."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from ..client import Clinic
from ..kernel.amounts import bytes_in_words
from ..kernel.program import COMMAND
from ..schemas.dataset import DatasetAnswer
from ..text.console import console_for, show
from .options import AsJson, Url, print_json

DatasetId = Annotated[str, typer.Argument(metavar="ID", help="Id of the data set, as printed by the upload.")]

app = typer.Typer(help="Manage uploaded data sets.", no_args_is_help=True)


def upload(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An .npz, .csv or .parquet file.")],
    *,
    target: Annotated[
        str | None, typer.Option(help="Column to predict.", show_default="the last one; in an npz, `targets`")
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="classification or regression.", show_default="by the type of the targets")
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> int:
    """Upload a data set for experiments to train on."""
    with Clinic(url) as clinic:
        found = clinic.upload(file, target=target, task=task)
    if as_json:
        print_json(found.document)
        return 0
    typer.echo(
        f"{found.id}: {found.rows:,} rows, inputs of shape {inputs_of(found)}, {found.task}, {targets_of(found)}"
    )
    typer.echo(f"Use it in an experiment: {json.dumps({'data': {'kind': 'uploaded', 'id': found.id}})}")
    return 0


@app.command("list")
def list_all(*, url: Url = None, as_json: AsJson = False) -> int:
    """List all uploaded data sets."""
    with Clinic(url) as clinic:
        found = list(clinic.datasets())
    if as_json:
        print_json([each.document for each in found])
        return 0
    if not found:
        typer.echo(f"There are no data sets yet; add one with `{COMMAND} upload FILE`.")
        return 0
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("data set", "rows", "inputs", "to predict", "stored", "uploaded"):
        table.add_column(heading, justify="right" if heading in {"rows", "stored"} else "left")
    for each in found:
        table.add_row(
            each.id,
            f"{each.rows:,}",
            inputs_of(each),
            targets_of(each),
            bytes_in_words(each.bytes),
            _day(each),
        )
    show(console_for(), table)
    return 0


@app.command("show")
def show_one(dataset_id: DatasetId, *, url: Url = None, as_json: AsJson = False) -> int:
    """Show a data set, and the number of runs that use it."""
    with Clinic(url) as clinic:
        found = clinic.get_dataset(dataset_id)
    if as_json:
        print_json(found.document)
        return 0
    typer.echo(f"{found.id}: {found.rows:,} rows, inputs of shape {inputs_of(found)}, {targets_of(found)}")
    for name, values in (("classes", found.classes), ("columns", found.features)):
        if values:
            typer.echo(f"  {name}   {', '.join(values)}")
    typer.echo(f"  stored    {bytes_in_words(found.bytes)} since {_day(found)}, SHA-256 {found.digest}")
    typer.echo(f"  runs      {found.runs:,}")
    return 0


@app.command("delete")
def delete(dataset_id: DatasetId, *, url: Url = None) -> int:
    """Delete a data set that no unfinished run needs. Runs keep their results, but cannot be repeated."""
    with Clinic(url) as clinic:
        clinic.delete_dataset(dataset_id)
    typer.echo(f"{dataset_id} was deleted.")
    return 0


def inputs_of(dataset: DatasetAnswer) -> str:
    """The shape of the inputs of one row, for example `8 x 8`."""
    return " x ".join(str(length) for length in dataset.shape)


def targets_of(dataset: DatasetAnswer) -> str:
    """The targets, for example `3 classes` or `1 value`."""
    count, what = dataset.outputs, "class" if dataset.task == "classification" else "value"
    return f"{count} {what}" if count == 1 else f"{count} {what}{'es' if what == 'class' else 's'}"


def _day(dataset: DatasetAnswer) -> str:
    return f"{dataset.created_at:%Y-%m-%d}"
