"""Options that several commands share."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ..client import URL_VARIABLE

Url = Annotated[
    str | None,
    typer.Option("--url", envvar=URL_VARIABLE, help="The service's address.", show_default="http://127.0.0.1:8000"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", help="Folder of everything that is stored.", show_default="GRADCLINIC_DATA_DIR, else ./data"
    ),
]
Workers = Annotated[
    int | None, typer.Option("--workers", min=0, help="Workers to start.", show_default="one a core and GPU")
]


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")
