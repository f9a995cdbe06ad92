"""The command that lets assistants use the service: mcp."""

from typing import Annotated

import typer

from ..client import Clinic
from .options import Url


def mcp(
    *,
    url: Url = None,
    submit: Annotated[
        bool, typer.Option("--submit", help="Also allow to start studies and prescriptions; otherwise it only reads.")
    ] = False,
) -> int:
    """Serve the Model Context Protocol on standard input and output, so that an assistant can use the service."""
    from ..client.integrations.mcp import server

    with Clinic(url) as clinic:
        server(clinic, submit=submit).run("stdio")
    return 0
