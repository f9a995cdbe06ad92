"""Runs a command whose life is bound to its parent's: `python bound.py PARENT_PID COMMAND ARGUMENT...`.

The kernel kills it when the parent ends, however that ends. A file of its own, started without any package, since
a process with threads should not run Python between fork and exec.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(sys.argv[1]):  # it ended before we could say so
        sys.exit(1)
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606  # the command is the supervisor's own
