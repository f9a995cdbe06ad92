"""Read an upload in a separate process, so that a malicious file cannot exhaust the service's memory or stop it."""

import json
import os
import subprocess
import sys

import structlog

from ..experiments.datasets.base import Task
from ..experiments.uploads import PackedTable, UploadFormat
from ..kernel.errors import BodyTooLarge, InvalidDataset, Problem
from ..kernel.json import JsonObject
from ..kernel.turns import Turns

MEMORY_FACTOR = 12
"""Memory of the process as a multiple of the largest body: body, values in double and single precision, and a copy."""
FIXED_BYTES = 64 * 2**20
"""Additional memory of the process, for libraries."""
SECONDS = 60
"""Longest time to read one upload. A CSV file of 64 MiB takes 10 s."""
AT_ONCE = 2
"""Uploads read at the same time; others wait, at most for the time limit of one."""
MOST_WAITING = 4
"""Uploads that wait. Each holds one of the server's 40 threads."""
_ENVIRONMENT = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1"}
"""Without these, libraries reserve address space that they do not use, which the limit would count."""

log = structlog.get_logger(__name__)
turns = Turns(
    at_once=AT_ONCE, waiting=MOST_WAITING, wait_s=SECONDS, busy="other data sets are being read; try again later"
)


def read_upload(
    body: bytes, upload_format: UploadFormat, *, target: str | None, task: Task | None, most_bytes: int
) -> PackedTable:
    """The table in a file. Raises InvalidDataset, BodyTooLarge, or ServiceUnavailable if too many are being read."""
    asked = {
        "upload_format": upload_format,
        "target": target,
        "task": task,
        "most_bytes": most_bytes,
        "memory_bytes": FIXED_BYTES + MEMORY_FACTOR * most_bytes,
        "seconds": SECONDS,
    }
    try:
        with turns.one():
            ended = subprocess.run(  # noqa: S603  # our own module
                [sys.executable, "-m", "gradclinic.experiments.uploads", json.dumps(asked)],
                input=body,
                capture_output=True,
                timeout=SECONDS,
                env={**os.environ, **_ENVIRONMENT},
                check=False,
            )
    except subprocess.TimeoutExpired:
        raise BodyTooLarge(f"Reading the data set takes more than {SECONDS} s. Send fewer rows or columns.") from None
    if ended.returncode > 0:
        log.error("upload_not_read", format=upload_format, error=ended.stderr.decode(errors="replace")[-2000:])
        raise InvalidDataset.at("", f"the body is not a readable {upload_format} file", allowed="a file that is whole")
    return _result(ended.stdout)


def _result(output: bytes) -> PackedTable:
    first, _, content = output.partition(b"\n")
    facts: JsonObject = json.loads(first or b"{}")
    if not facts or "too_large" in facts:  # no output: killed by a limit, or by a library without memory
        raise BodyTooLarge("Reading the data set takes more memory than is allowed. Send fewer rows or columns.")
    if "problems" in facts:
        raise InvalidDataset(Problem(**problem) for problem in facts["problems"])
    lists = {name: None if facts[name] is None else tuple(facts[name]) for name in ("shape", "classes", "features")}
    return PackedTable(**{**facts, **lists}, content=content)
