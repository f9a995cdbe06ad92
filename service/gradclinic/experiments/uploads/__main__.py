"""Reads one upload from standard input, with limited memory and time, and writes the result to standard output.

The argument has those of `read`, and the limits, as JSON. The first line of the output is a JSON object: the facts of
the table, whose arrays follow as npz; or `problems`; or `{"too_large": true}` if there was not enough memory.
"""

import json
import resource
import sys
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ...kernel.errors import InvalidRequest
from . import read


def main(asked: dict[str, Any]) -> None:
    """Read standard input with the arguments in `asked`."""
    _limit(memory_bytes=asked.pop("memory_bytes"), seconds=asked.pop("seconds"))
    try:
        facts = asdict(read(sys.stdin.buffer.read(), **asked).packed())
        content = facts.pop("content")
    except MemoryError:
        facts, content = {"too_large": True}, b""
    except InvalidRequest as error:
        facts, content = {"problems": [asdict(problem) for problem in error.problems]}, b""
    sys.stdout.buffer.write(json.dumps(facts).encode() + b"\n")
    sys.stdout.buffer.write(content)


def _limit(*, memory_bytes: int, seconds: int) -> None:
    """Limit the additional memory of this process in bytes, and its CPU time in seconds."""
    if find_spec("pyarrow") is not None:
        import pyarrow.parquet  # noqa: F401  # so that its libraries do not count
    has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (has + memory_bytes,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
