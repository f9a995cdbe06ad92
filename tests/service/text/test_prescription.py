import io
from dataclasses import replace
from datetime import UTC, datetime

from rich.console import Console, RenderableType

from gradclinic.prescription import Budget, ExperimentDiagnosis, Report, SearchTask, report
from gradclinic.remedies.words import in_words
from gradclinic.schemas.prescription import PrescriptionAnswer, PrescriptionSummary
from gradclinic.text.prescription import prescription_words

from ..prescription.world import EXPERIMENT, by_norm_and_adam, hopeless, search

TASK = SearchTask(EXPERIMENT, budget=Budget(seconds=240))
SUMMARY = PrescriptionSummary.model_validate(
    {
        "id": "prescription_1",
        "name": None,
        "labels": {},
        "status": "succeeded",
        "experiment": EXPERIMENT.to_json(),
        "budget": {"seconds": 240, "runs": None},
        "progress": {"runs": 0, "by_status": {}, "steps_done": 0, "steps": 0},
        "created_at": datetime(2026, 3, 1, tzinfo=UTC),
        "ended_at": None,
    }
)


def shown(what: RenderableType, *, width: int = 110) -> str:
    console = Console(file=io.StringIO(), width=width, no_color=True, highlight=False, markup=False, emoji=False)
    with console.capture() as capture:
        console.print(what)
    return capture.get()


def answer(world) -> PrescriptionAnswer:
    return PrescriptionAnswer.of(SUMMARY, _told(report(search(TASK, world))), why=None)


def _told(found: Report) -> Report:
    assert isinstance(found.diagnosis, ExperimentDiagnosis)
    findings = [replace(each, summary="Gradients shrink by a factor of 10^9.") for each in found.diagnosis.findings]
    return replace(found, diagnosis=replace(found.diagnosis, findings=findings))


def test_a_cure_is_shown_with_its_evidence_the_control_and_what_was_tried_besides() -> None:
    text = shown(prescription_words(answer(by_norm_and_adam)))
    for words in (
        "prescription_1: cured",
        "vanishing gradients in 3 of 3 seeds",
        "Gradients shrink by a factor of 10^9.",
        "add batch norm",
        "change optimizer (adam",
        "Random control: 0 of 5 random remedies trained well",
        "val. loss",
        "Other candidates",
        "of training",
    ):
        assert words in text
    assert "add_batch_norm" not in text


def test_what_cured_nothing_says_so_and_shows_no_cure() -> None:
    text = shown(prescription_words(answer(hopeless)))
    assert "prescription_1: no cure was found" in text
    assert "The cure" not in text
    assert "vanishing gradients" in text.partition("Other candidates")[2]


def test_a_prescription_fits_a_narrow_terminal() -> None:
    lines = shown(prescription_words(answer(by_norm_and_adam)), width=70).splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 70


def test_a_remedy_is_said_with_the_knobs_that_were_turned() -> None:
    assert in_words({"kind": "add_batch_norm", "momentum": 0.1, "eps": 1e-05}) == "add batch norm"
    assert in_words({"kind": "lower_learning_rate", "factor": 0.1}) == "lower learning rate (factor 0.1)"
    assert in_words({"kind": "swap_activation", "activation": {"name": "leaky_relu", "negative_slope": 0.2}}) == (
        "swap activation (leaky_relu, negative slope 0.2)"
    )
    assert in_words({"kind": "change_optimizer", "optimizer": {"kind": "adam", "learning_rate": 0.003}}) == (
        "change optimizer (adam, learning rate 0.003)"
    )


def test_a_remedy_of_another_version_is_said_as_it_stands() -> None:
    assert in_words({"kind": "pray_harder", "times": 3, "to": {"whom": "Adam"}, "why": None}) == (
        "pray harder (times 3, Adam)"
    )
