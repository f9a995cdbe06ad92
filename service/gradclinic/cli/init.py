"""The command that writes an example spec: init."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..kernel.errors import InvalidSpec
from ..kernel.program import COMMAND

Kind = Literal["experiment", "study"]
"""What an example describes."""
NEXT = {"experiment": ("run", "prescribe"), "study": ("study",)}
"""The commands that take it."""


def init(
    kind: Annotated[Kind, typer.Argument(metavar="[experiment|study]", help="What to describe.")] = "experiment",
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The file, or - for standard output.", show_default="KIND.yaml"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> int:
    """Write an example spec with comments, ready to edit: an experiment, or a study that compares remedies."""
    text = example(kind)
    if output == Path("-"):
        typer.echo(text, nl=False)
        return 0
    file = output or Path(f"{kind}.yaml")
    try:
        with file.open("w" if force else "x", encoding="utf-8") as written:
            written.write(text)
    except FileExistsError:
        raise InvalidSpec.at("", f"{file} exists", allowed="--force to replace it, or another --output") from None
    commands = " or ".join(f"`{COMMAND} {command} {file}`" for command in NEXT[kind])
    typer.echo(f"Wrote {file}. Edit it, then: {commands}")
    return 0


def example(kind: Kind) -> str:
    """The text of an example, which is a valid request."""
    text = (files(__package__) / "examples" / f"{kind}.yaml").read_text(encoding="utf-8")
    return text.replace("`gradclinic ", f"`{COMMAND} ")
