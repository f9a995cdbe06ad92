from dataclasses import replace

import numpy as np
import pytest

from gradclinic.diagnosis import diagnose

from ..records import changed, healthy_record, outcome
from ..seen import CLASSIFIER, but


def found(rate, *, left=0.44):
    record = changed(healthy_record(), {"learning_rate": rate}, outcome=outcome(final_train_loss=left * 2.3))
    return {each.condition: each for each in diagnose(record).findings}


def test_a_schedule_of_epochs_that_steps_after_each_batch_does_harm_although_the_loss_fell():
    """.9^44 = .0097, so 44 of 300 steps have a rate."""
    diagnosis = found(lambda steps: 0.1 * 0.9**steps)
    finding = diagnosis["vanished_learning_rate"]
    assert (finding.harm, finding.blames[0]) == (True, "schedule")
    assert finding.evidence[0].value == pytest.approx(44 / 299)
    assert "healthy" not in diagnosis


@pytest.mark.parametrize(("left", "harm"), [(0.2, False), (0.21, True)])
def test_nothing_was_lost_if_the_loss_fell_to_a_fifth(left, harm):
    assert found(lambda steps: 0.1 * 0.9**steps, left=left)["vanished_learning_rate"].harm is harm


@pytest.mark.parametrize(
    "rate",
    [
        lambda steps: 0.1 * 0.94**steps,  # 75 of 300 steps
        lambda steps: 0.05 * (1 + np.cos(np.pi * steps / 300)),
        lambda steps: np.where(steps < 200, 0.1, 0.0001),
        lambda steps: np.where((steps < 20) | (steps > 290), 0.1, 0.0001),
        lambda steps: 0.1 + 0 * steps,
    ],
)
def test_schedules_that_reach_nothing_late_or_come_back_are_sound(rate):
    assert "vanished_learning_rate" not in found(rate)


@pytest.mark.parametrize(("takes", "there"), [("unknown", True), ("logits", False)])
def test_a_loss_that_fell_a_part_of_the_way_to_an_unknown_floor_does_not_explain_itself(takes, there):
    record = changed(
        healthy_record(),
        {"learning_rate": lambda steps: 0.1 * 0.9**steps},
        outcome=outcome(final_train_loss=0.86 * 2.3),
    )
    look = but(CLASSIFIER, "loss", name="Pinball", takes=takes)
    found = {each.condition: each for each in diagnose(replace(record, preflight=look)).findings}
    assert ("vanished_learning_rate" in found) is there
    assert not there or found["vanished_learning_rate"].harm


def test_without_rates_and_during_a_run_nothing_is_known():
    record = changed(healthy_record(), {"learning_rate": lambda steps: 0.1 * 0.9**steps})
    series = {name: each for name, each in record.series.items() if name != "learning_rate"}
    for other in (replace(record, series=series), replace(record, outcome=None)):
        assert "vanished_learning_rate" not in {each.condition for each in diagnose(other).findings}
