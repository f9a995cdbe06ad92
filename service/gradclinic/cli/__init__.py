"""The command line: `gradclinic COMMAND`.

Results go to standard output, everything else to standard error. Exit status: 0 done; 1 the run or study failed;
2 the request or the command line is not valid; 3 a check is inconclusive; 4 a part is missing or cannot be reached, or
the service could not do a check; 130 interrupted.
"""

import signal
import sys

USAGE, UNAVAILABLE, INTERRUPTED = 2, 4, 130


def main() -> None:
    """Run a command; what goes wrong is one clear line, never a traceback."""
    # A script that starts it in the background has it ignore Ctrl-C; whoever sends the signal by hand means it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        from .main import run

        status = run()
    except KeyboardInterrupt:
        status = INTERRUPTED
    if status == INTERRUPTED:
        sys.stderr.write("gradclinic: interrupted\n")
    sys.exit(status)
