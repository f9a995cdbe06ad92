"""Runs a command that the kernel kills when its parent ends: `python bound.py PARENT_PID COMMAND ARGUMENT...`.

This is a separate script without package imports, because a process with threads should not run Python between
fork and exec.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(sys.argv[1]):  # the parent ended before the call above
        sys.exit(1)
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606  # the command is the supervisor's own
