"""The command line: `gradclinic COMMAND`.

Results go to standard output, everything else to standard error. Exit status: 0 done; 1 the run or study failed;
2 the request or the command line is not valid; 4 a part is missing or cannot be reached; 130 interrupted.
"""

import sys

from ..errors import GradclinicError

USAGE, UNAVAILABLE, INTERRUPTED = 2, 4, 130


def main() -> None:
    """Run a command; what goes wrong is one clear line, never a traceback."""
    from .commands import app
    from .failures import explain

    try:
        status = app(standalone_mode=False)
    except GradclinicError as error:
        sys.exit(explain(error))
    except KeyboardInterrupt:
        print("gradclinic: interrupted", file=sys.stderr)  # noqa: T201  # the command line's own voice
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone; nobody is left to tell
        sys.exit(1)
    except OSError as error:
        sys.exit(explain(error))
    sys.exit(status if isinstance(status, int) else 0)
