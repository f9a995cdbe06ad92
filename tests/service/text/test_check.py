import io
from typing import Any

from rich.console import Console

from gradclinic.kernel.codec import encode
from gradclinic.regression import check
from gradclinic.text.check import check_text, watching

from ..comparison.runs import NAN, arm, run

LOSSES = [0.50, 0.52, 0.48, 0.51, 0.49]


def answer(new: list[Any], **changes: Any) -> dict[str, Any]:
    report = check(arm("baseline", LOSSES), new, margins={"final_validation_loss": 0.1})
    return {"id": "check_1", "baseline": "main", "status": "succeeded", **encode(report), **changes}


def progress(**by_status: int) -> dict[str, Any]:
    runs = sum(by_status.values())
    done = 10 * by_status.get("succeeded", 0)
    return {"id": "check_1", "progress": {"runs": runs, "by_status": by_status, "steps_done": done, "steps": 10 * runs}}


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
    data = {"id": "check_1", "baseline": "main", "status": "canceled", "verdict": None, "summary": None}
    assert check_text(data) == "canceled  check_1 against main"


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
