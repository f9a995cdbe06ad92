"""The command that saves a page as a single file: report."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..client import Clinic, Prescription, Run, Study
from ..kernel.errors import InvalidSpec
from .options import AsJson, Url, print_json

Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="The file, or - for standard output.", show_default="gradclinic-ID.html"),
]


def report(
    identifier: Annotated[str, typer.Argument(metavar="RUN | STUDY | PRESCRIPTION", help="What to save.")],
    *,
    url: Url = None,
    output: Output = None,
    metric: Annotated[
        str | None,
        typer.Option(help="The metric by which a study's arms are compared.", show_default="validation loss"),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Save the page of a run, study or prescription as a self-contained HTML file."""
    with Clinic(url) as clinic:
        found = _found(clinic, identifier)
        if metric is not None and not isinstance(found, Study):
            raise InvalidSpec.at("", "only studies have arms to compare by a metric", value=metric)
        content = found.report(**({} if metric is None else {"metric": metric})).encode()
    if output == Path("-"):
        sys.stdout.buffer.write(content)
        return 0
    file = output or Path(f"gradclinic-{found.id}.html")
    _write(file, content)
    if as_json:
        print_json({"id": found.id, "file": str(file.absolute()), "bytes": len(content)})
    else:
        typer.echo(f"Saved the report of {found.id} to {file} ({len(content) / 1000:,.0f} kB)")
    return 0


def _found(clinic: Clinic, identifier: str) -> Run | Study | Prescription:
    kind = identifier.split("_", maxsplit=1)[0]
    if kind == "run":
        return clinic.get_run(identifier)
    if kind == "study":
        return clinic.get_study(identifier)
    if kind == "prescription":
        return clinic.get_prescription(identifier)
    raise InvalidSpec.at(
        "", "there are no reports of this", value=identifier, allowed="the id of a run, a study or a prescription"
    )


def _write(file: Path, content: bytes) -> None:
    """Write the file atomically: an existing file stays until the new one is complete."""
    if file.exists() and not file.is_file():  # for example a pipe
        file.write_bytes(content)
        return
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        beside.replace(file)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(file)) from None  # the requested name
    finally:
        beside.unlink(missing_ok=True)
