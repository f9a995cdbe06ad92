import io
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from gradclinic.comparison import RunResult
from gradclinic.regression import Report, check
from gradclinic.schemas.check import CheckAnswer, CheckSummary
from gradclinic.text.check import check_text, watching

from ..comparison.runs import NAN, arm, run

LOSSES = [0.50, 0.52, 0.48, 0.51, 0.49]


def shown(report: Report | None = None, **changes: Any) -> CheckAnswer:
    what = {
        "id": "check_1",
        "name": None,
        "labels": {},
        "baseline": "main",
        "schedule": None,
        "status": "running",
        "verdict": None if report is None else report.verdict,
        "summary": None if report is None else report.summary,
        "experiment": {},
        "remedies": [],
        "seeds": [0, 1, 2, 3, 4],
        "margins": {"final_validation_loss": 0.1},
        "progress": {"runs": 0, "by_status": {}, "steps_done": 0, "steps": 0},
        "created_at": datetime(2026, 3, 1, tzinfo=UTC),
        "ended_at": None,
        **changes,
    }
    return CheckAnswer.of(CheckSummary.model_validate(what), report, pin_run_ids=[], run_ids=[])


def answer(new: list[RunResult]) -> CheckAnswer:
    return shown(check(arm("baseline", LOSSES), new, margins={"final_validation_loss": 0.1}), status="succeeded")


def progress(**by_status: int) -> CheckAnswer:
    runs, done = sum(by_status.values()), 10 * by_status.get("succeeded", 0)
    return shown(progress={"runs": runs, "by_status": by_status, "steps_done": done, "steps": 10 * runs})


def test_a_result_is_told_by_its_verdict_its_figures_and_what_is_allowed():
    text = check_text(answer([run("new", seed, 3 * loss, "dead_units") for seed, loss in enumerate(LOSSES)]))
    assert text.startswith("fail  check_1 against main\n  Worse than the baseline.")
    assert "x3.00 [3.00, 3.00]" in text
    assert "x1.10" in text
    assert "dead units" in text
    assert "5 of 5" in text
    assert all(len(line) <= 110 for line in text.splitlines())


def test_what_is_not_finite_is_said_in_words():
    assert "not finite; worse in 5 of 5" in check_text(answer(arm("new", [NAN] * 5, "divergence")))


def test_a_check_without_a_verdict_is_told_by_its_status():
    assert check_text(shown(status="canceled")) == "canceled  check_1 against main"


def test_plain_output_has_a_line_for_each_run_that_ends():
    out = io.StringIO()
    with watching(Console(file=out, width=80), progress(queued=2)) as watch:
        for now in (progress(queued=2), progress(running=2), progress(running=1, succeeded=1), progress(succeeded=2)):
            watch(now)
    assert [line.split(": ")[1] for line in out.getvalue().splitlines()] == [
        "0 of 2 runs have ended",
        "1 of 2 runs have ended",
        "2 of 2 runs have ended",
    ]


def test_a_terminal_has_a_bar():
    out = io.StringIO()
    with watching(Console(file=out, width=120, force_terminal=True), progress(queued=2)) as watch:
        watch(progress(running=1, succeeded=1))
    assert "1 of 2 runs" in out.getvalue()
    assert "50%" in out.getvalue()
