from dataclasses import replace

from gradclinic.diagnosis import diagnose

from ..records import (
    SICK,
    changed,
    failed,
    healthy_record,
    outcome,
    truncated,
    vanishing,
)


def test_too_few_steps_are_no_evidence_unless_the_loss_ran_away() -> None:
    short = replace(truncated(healthy_record(), 10), steps=10, outcome=outcome(steps_done=10))
    assert diagnose(short).primary == "insufficient_evidence"
    assert "10 steps" in diagnose(short).findings[0].summary
    assert diagnose(SICK["divergence"]()).primary == "divergence"


def test_nothing_recorded_is_insufficient_evidence() -> None:
    empty = replace(healthy_record(), series={}, outcome=None)
    assert diagnose(empty).primary == "insufficient_evidence"


def test_a_loss_of_zero_for_a_constant_leaves_nothing_to_learn() -> None:
    diagnosis = diagnose(changed(healthy_record(), outcome=outcome(constant_loss=0.0)))
    assert diagnosis.primary == "insufficient_evidence"
    assert "nothing to learn" in diagnosis.findings[0].summary


def test_the_fewest_steps_that_can_be_judged_are_judged() -> None:
    short = truncated(vanishing(), 20)
    for steps, primary in ((20, "vanishing_gradients"), (19, "insufficient_evidence")):
        cut = replace(truncated(short, steps), steps=steps, outcome=failed(steps_done=steps))
        assert diagnose(cut).primary == primary
