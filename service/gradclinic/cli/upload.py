"""The command that sends a data set: upload."""

import json
from pathlib import Path
from typing import Annotated

import typer

from ..client import Clinic
from .dataset import inputs_of, targets_of
from .options import AsJson, Url, print_json


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
    """Send rows of your own, for experiments to train on."""
    with Clinic(url) as clinic:
        found = clinic.upload(file, target=target, task=task)
    if as_json:
        print_json(found)
        return 0
    typer.echo(
        f"{found['id']}: {found['rows']} rows of {inputs_of(found)} input(s), {found['task']}, {targets_of(found)}"
    )
    typer.echo(f"An experiment names it so: {json.dumps({'data': {'kind': 'uploaded', 'id': found['id']}})}")
    return 0
