"""The command line: `gradclinic COMMAND`.

Results go to standard output, everything else to standard error. Exit status: 0 success; 1 the run or study failed, or
a check found a regression; 2 the request or the command line is invalid; 3 a check is inconclusive; 4 a component is
missing or unavailable, or the service could not do a check; 130 interrupted.
"""

import signal
import sys

USAGE, UNAVAILABLE, INTERRUPTED = 2, 4, 130


def main() -> None:
    """Run a command. Errors are shown in one clear line, without a traceback."""
    # A shell script that starts this in the background makes it ignore SIGINT; a signal that is sent must still work.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        from .main import run

        status = run()
    except KeyboardInterrupt:
        status = INTERRUPTED
    if status == INTERRUPTED:
        sys.stderr.write("gradclinic: interrupted\n")
    sys.exit(status)
