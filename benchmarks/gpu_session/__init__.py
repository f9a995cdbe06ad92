"""What a GPU must show before it is trusted: one command of at most 8 minutes, to be run wherever one is at hand.

Each check runs in a process of its own with a time limit, so that one that hangs or ends its process costs only itself.
Each result is a line of JSON as soon as it is known; a table ends the session. Without a GPU, the checks that do not
need one run on the CPU, and the others are skipped by name.

Usage: ./run benchmark gpu_session [--json] [--device cuda|cpu] [--only NAME ...] [--seconds 480]
"""

from .session import main

__all__ = ["main"]
