import numpy as np
import pytest

from gradclinic.diagnosis import diagnose

from ..records import changed, failed, healthy_record, outcome


def found(a_step, left, *, late=1.0):
    """A run whose loss is 1 until its last half, at the end of which it is `late`."""
    ended = outcome(final_train_loss=left * 2.3) if left <= 0.5 else failed()
    losses = {"train_loss": lambda steps: np.where(steps < 240, 1.0, late)}
    record = changed(healthy_record(), {"update_to_weight_ratio": a_step, **losses}, outcome=ended)
    return {each.condition: each for each in diagnose(record).findings}


@pytest.mark.parametrize(
    ("a_step", "left", "there"),
    [(0.031, 0.4, True), (0.029, 0.4, False), (0.031, 0.2, False), (0.031, 0.21, True), (0.031, 1.0, False)],
)
def test_steps_of_more_than_three_percent_keep_a_network_from_learning_more_than_a_part(a_step, left, there):
    diagnosis = found(a_step, left)
    assert ("too_large_steps" in diagnosis) is there
    assert ("healthy" in diagnosis) is (left <= 0.5)
    if there:
        assert not diagnosis["too_large_steps"].harm
        assert diagnosis["too_large_steps"].blames[0] == "learning_rate"


@pytest.mark.parametrize(("late", "there"), [(0.91, True), (0.89, False), (1.5, True)])
def test_a_loss_that_still_falls_is_not_kept_up_by_large_steps(late, there):
    assert ("too_large_steps" in found(0.05, 0.4, late=late)) is there
