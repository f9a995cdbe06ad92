import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from gradclinic.logs import lines_on_standard_error

LOG = """
import logging, sys
import structlog
from gradclinic.logs import configure
from gradclinic.settings import Settings
configure(Settings(log_format=sys.argv[1]))
structlog.get_logger("here").warning("own", run_id="run_1")
logging.getLogger("a.library").warning("of %s", "a library")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("a.library").exception("broke")
print("goes on", flush=True)
"""


def logged(form: str, stderr: int | None = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", LOG, form]
    return subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=stderr, text=True)


def test_every_line_is_one_json_object_those_of_libraries_included() -> None:
    own, library, broke = [json.loads(line) for line in logged("json").stderr.splitlines()]
    assert (own["event"], own["run_id"], own["level"]) == ("own", "run_1", "warning")
    assert (library["event"], library["logger"], library["level"]) == ("of a library", "a.library", "warning")
    assert "ZeroDivisionError" in broke["exception"]
    assert all("timestamp" in line for line in (own, library, broke))


def test_people_get_lines_of_text() -> None:
    shown = logged("text").stderr
    assert "run_id=run_1" in shown
    assert "WARNING a.library: of a library" in shown


def test_a_full_disk_under_the_log_costs_its_lines_and_nothing_else() -> None:
    with Path("/dev/full").open("w") as full:
        assert logged("text", full.fileno()).stdout == "goes on\n"


def test_a_program_may_replace_or_close_its_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", first)
    logger = lines_on_standard_error()()
    logger.msg("one")
    monkeypatch.setattr(sys, "stderr", second)
    first.close()
    logger.msg("two")
    assert second.getvalue() == "two\n"
    second.close()
    logger.msg("nobody reads this")
