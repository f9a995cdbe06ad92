"""Runs the checks one after the other, each in a process of its own."""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict

import torch

from gradclinic_workers.train.device import make_deterministic

# The checks run in the order of these lines: first whether it computes right, last what it costs.
from . import numbers  # noqa: F401

# isort: split
from . import failure  # noqa: F401

# isort: split
from . import cost  # noqa: F401

# isort: split
from .check import CHECKS, Check, Result

Row = dict[str, object]
PATIENCE_ON_A_CPU = 4
"""A check may take so many times its limit, which is for a GPU."""


def main() -> None:
    """Print each result as it comes, and a table; exits with 1 if a check failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="leave the table out")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--only", nargs="*", choices=CHECKS, default=[*CHECKS], metavar="NAME")
    parser.add_argument("--seconds", type=float, default=480, help="limit of the whole session")
    parser.add_argument("--here", choices=CHECKS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        make_deterministic()
        for result in CHECKS[options.here].run(options.device):
            print(json.dumps(asdict(result)), flush=True)
        return
    rows = []
    until = time.monotonic() + options.seconds
    for name in options.only:
        for result in results_of(CHECKS[name], device=options.device, seconds=until - time.monotonic()):
            rows.append({"check": name, **asdict(result)})
            print(json.dumps(rows[-1]), flush=True)
    if not options.json:
        print(table(rows))
    raise SystemExit(any(row["passed"] is False for row in rows))


def results_of(one: Check, *, device: str, seconds: float) -> Iterator[Result]:
    """The results of one check, which ends after its limit, or after the seconds that the session has left."""
    if one.needs_gpu and not device.startswith("cuda"):
        yield Result("skipped", "it needs a GPU", "", None)
        return
    if seconds <= 0:
        yield Result("skipped", "the session's time is over", "", None)
        return
    command = [sys.executable, "-m", "benchmarks", "gpu_session", "--here", one.name, "--device", device]
    limit = one.limit_s if device.startswith("cuda") else PATIENCE_ON_A_CPU * one.limit_s
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=min(limit, seconds))
        said, failed = ended.stdout, ended.returncode != 0
        why = (ended.stderr.strip().splitlines() or [f"exit status {ended.returncode}"])[-1]
    except subprocess.TimeoutExpired as late:
        said = late.stdout.decode() if isinstance(late.stdout, bytes) else late.stdout or ""
        failed, why = limit <= seconds, f"not done after {limit:.0f} s"
        if not failed:
            said += "\n" + json.dumps(asdict(Result("the rest", "the session's time is over", "", None)))
    yield from _parsed(said.splitlines())
    if failed:
        yield Result("the check itself", why, "to end", passed=False)


def _parsed(lines: Iterable[str]) -> Iterator[Result]:
    for line in lines:
        if line.startswith("{") and line.endswith("}"):
            yield Result(**json.loads(line))


def table(rows: Iterable[Row]) -> str:
    """Everything in columns: what was found, what was expected, and whether it passed."""
    said = {True: "passes", False: "FAILS", None: ""}
    return "\n".join(
        f"{row['check']!s:30} {row['subject']!s:48.48} {row['value']!s:36.36} {said[_passed(row)]:7} {row['expected']}"
        for row in rows
    )


def _passed(row: Row) -> bool | None:
    passed = row["passed"]
    return passed if isinstance(passed, bool) else None
