"""Run a command, and convert exceptions to an exit status."""

import os
import sys

from typer import TyperException

from ..kernel.errors import GradclinicError
from ..kernel.installation import service_missing
from ..kernel.program import COMMAND
from .commands import app
from .failures import explain


def run() -> int:
    """The exit status of the command."""
    try:
        status = app(prog_name=COMMAND, standalone_mode=False)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader of the pipe is gone
        return 1
    except ModuleNotFoundError:  # a command of the service, where only the base is installed
        missing = service_missing()
        if missing is None:
            raise
        return explain(missing)
    except (GradclinicError, OSError, TyperException) as error:
        return explain(error)
    return status if isinstance(status, int) else 0
