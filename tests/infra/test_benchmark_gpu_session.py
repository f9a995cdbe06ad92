"""The session that proves a GPU runs to its end without one, and loses no result to a check that fails."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from benchmarks.gpu_session import session
from benchmarks.gpu_session.check import CHECKS, Check, Result

ON_A_CPU = (
    "versions", "resumes_exactly", "ends_where_it_broke", "sees_the_same_sites", "works_through_a_whole_service",
)  # fmt: skip
"""Those that are run here, too. The others train what tests of the workers train on a CPU anyway, or measure time."""


def test_checks_that_need_a_gpu_are_skipped_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    names = [name for name, each in CHECKS.items() if each.needs_gpu]
    assert len(names) > 5
    assert not session_of("--device", "cpu", "--json", "--only", *names)
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["check"] for row in rows] == names
    assert {(row["subject"], row["value"], row["passed"]) for row in rows} == {("skipped", "it needs a GPU", None)}


@pytest.mark.slow
def test_a_check_runs_in_its_own_process_and_says_what_it_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert not session_of("--device", "cpu", "--only", "reduces_exactly")
    *lines, table = capsys.readouterr().out.split("}\n")
    rows = [json.loads(line + "}") for line in lines]
    assert len(rows) == 7
    assert all(row["passed"] for row in rows)
    assert table.count("passes") == 7


def test_a_check_that_takes_too_long_fails_and_the_session_goes_on() -> None:
    began = time.monotonic()
    hurried = replace(CHECKS["trains"], limit_s=0.2 / session.PATIENCE_ON_A_CPU)
    (found,) = session.results_of(hurried, device="cpu", seconds=60)
    assert time.monotonic() - began < 30
    assert (found.subject, found.passed) == ("the check itself", False)
    assert "not done after" in str(found.value)
    (cut,) = session.results_of(CHECKS["trains"], device="cpu", seconds=0.2)
    assert (cut.subject, cut.value, cut.passed) == ("the rest", "the session's time is over", None)
    (late,) = session.results_of(CHECKS["trains"], device="cpu", seconds=0)
    assert (late.value, late.passed) == ("the session's time is over", None)


@pytest.mark.slow
def test_a_check_that_raises_fails_with_its_reason() -> None:
    def raises(device: str) -> Iterator[Result]:
        yield from ()

    (found,) = session.results_of(Check(raises, limit_s=60, needs_gpu=False), device="cpu", seconds=60)
    assert found.passed is False
    assert "raises" in str(found.value)


@pytest.mark.slow
@pytest.mark.parametrize("name", ON_A_CPU)
def test_every_check_that_needs_no_gpu_passes_on_a_cpu(name: str) -> None:
    unhurried = replace(CHECKS[name], limit_s=280)  # its own limit is for a GPU, and beside nothing else
    found = list(session.results_of(unhurried, device="cpu", seconds=280))
    assert found
    assert [each for each in found if each.passed is False] == []


def session_of(*arguments: str) -> bool:
    """Whether a session with these arguments found a failure."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["gpu_session", *arguments])
        with pytest.raises(SystemExit) as ended:
            session.main()
    return bool(ended.value.code)
