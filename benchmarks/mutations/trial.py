"""Tries a change: the fast tests of its package, in a copy of the checkout, until one fails.

Each process has a copy of its own. It imports the large libraries once, and forks for each change, so that a change
that the first test notices takes little more than the import of the package.
"""

import importlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from threading import Thread

from .changes import Change, changed

PARTS = ("service", "workers", "tests", "migrations", "benchmarks", "pyproject.toml")
PRELOADED = (
    *("numpy", "scipy.stats", "torch", "sklearn.datasets", "pydantic", "fastapi", "httpx", "celery", "redis"),
    *("sqlalchemy.dialects.sqlite", "alembic.command", "psycopg", "structlog", "pytest", "hypothesis"),
    *("gradclinic.experiments.experiment", "gradclinic.measurements.record"),
)
"""What takes long to import; of this project only packages beneath all that are changed."""
OPTIONS = (
    *("-q", "-x", "-p", "no:cacheprovider", "-p", "no:logging", "--hypothesis-seed=0", "--tb=no", "--assert=plain"),
    *("-m", "not slow and not gpu"),
)
_copy = Path()


@dataclass(frozen=True)
class Outcome:
    """The result of a change."""

    change: Change
    noticed: bool
    by: str
    """The test that failed; empty if none did."""


def outcomes(checkout: Path, changes: Sequence[Change], *, processes: int, timeout_s: float) -> Iterator[Outcome]:
    """Try changes side by side; they come in the order in which they were given."""
    with (
        tempfile.TemporaryDirectory(prefix="gradclinic-mutations-") as folder,
        ProcessPoolExecutor(
            processes,
            mp_context=get_context("spawn"),
            initializer=_prepare,
            initargs=(checkout, Path(folder), os.getpid()),
        ) as pool,
    ):
        packages = sorted({change.package for change in changes})
        for package, failed in zip(packages, pool.map(partial(_failure, timeout_s=timeout_s), packages), strict=True):
            if failed:
                raise SystemExit(f"the tests of {package} fail before anything is changed: {failed}")
        yield from pool.map(partial(_tried, timeout_s=timeout_s), changes)


def _prepare(checkout: Path, folder: Path, parent: int) -> None:
    """Make this process's copy, and have it found before whatever is installed."""
    global _copy  # noqa: PLW0603  # one copy a process
    _end_with(parent, lambda: shutil.rmtree(folder, ignore_errors=True))
    _copy = folder / str(os.getpid())
    _copy.mkdir()
    skipped = shutil.ignore_patterns("__pycache__", ".hypothesis")
    for part in PARTS:
        found = checkout / part
        if found.is_dir():
            shutil.copytree(found, _copy / part, ignore=skipped)
        else:
            shutil.copy(found, _copy / part)
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ["PYTHONPATH"] = os.pathsep.join([str(_copy / "service"), str(_copy / "workers")])
    sys.path[:0] = [str(_copy), str(_copy / "service"), str(_copy / "workers")]
    os.chdir(_copy)
    for name in PRELOADED:
        importlib.import_module(name)


def _end_with(parent: int, leave: Callable[[], object]) -> None:
    """Have this process end when its parent has, however that was killed."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        try:
            leave()
        finally:
            os._exit(1)

    Thread(target=watch, daemon=True).start()


def _tried(change: Change, *, timeout_s: float) -> Outcome:
    path = _copy / change.path
    original = path.read_text("utf-8")
    _write(path, changed(original, change))
    try:
        by = _failure(change.package, timeout_s=timeout_s)
    finally:
        _write(path, original)
    return Outcome(change, noticed=by != "", by=by)


def _write(path: Path, source: str) -> None:
    """Write it, and forget what was compiled of it: two versions of one second look alike to Python."""
    path.write_text(source, "utf-8")
    Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)


def _failure(package: str, *, timeout_s: float) -> str:
    """The first test that fails, or why none could run; empty where all passed."""
    report = _copy / "failed"
    report.unlink(missing_ok=True)
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        _end_with(parent, lambda: os.killpg(0, signal.SIGKILL))
        _run_tests(package, report)
    deadline = time.monotonic() + timeout_s
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return f"nothing for {timeout_s:g} s"
        time.sleep(0.05)
    return report.read_text("utf-8") if report.exists() else "the tests did not start"


def _run_tests(package: str, report: Path) -> None:
    import pytest

    from .first_failure import FirstFailure

    with Path(os.devnull).open("w") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    watch = FirstFailure(_copy.parent / f"seconds-{package}.json")
    try:
        status = pytest.main([*OPTIONS, f"tests/service/{package}"], plugins=[watch])
        watch.keep()
        report.write_text("" if status == 0 else watch.failed or f"pytest ended with {int(status)}", "utf-8")
    finally:
        os._exit(0)
