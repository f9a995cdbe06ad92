import numpy as np
import pytest

from gradclinic.diagnosis import diagnose

from ..records import changed, failed, healthy_record
from ..seen import CLASSIFIER, seen


def falling(*, to: float, steps_per_unit: float = 300.0):
    """A loss that falls in a straight line from the constant predictor's to a fraction of it."""
    record = changed(
        healthy_record(),
        {"probe_loss": lambda steps: 2.3 * (1 - (1 - to) * steps / steps_per_unit)},
        outcome=failed(final_train_loss=2.3 * to),
    )
    return seen(CLASSIFIER, record=record)


def test_a_loss_that_falls_in_a_straight_line_is_followed_to_where_it_has_learned():
    """From 1 to 0.8 in 300 steps: 0.5 comes after 750 steps, 2.5 times as many."""
    finding = diagnose(falling(to=0.8)).findings[0]
    assert finding.condition == "too_short"
    assert finding.blames[0] == "steps"
    assert {each.name: each.value for each in finding.evidence}["steps_needed"] == pytest.approx(2.5, rel=0.01)


def test_a_loss_that_stands_still_needs_something_else_than_steps():
    level = changed(healthy_record(), {"probe_loss": lambda steps: 2.3 + 0 * steps}, outcome=failed())
    assert "too_short" not in {finding.condition for finding in diagnose(level).findings}


def test_a_pace_that_takes_more_than_twenty_times_the_steps_is_no_forecast():
    assert "too_short" not in {finding.condition for finding in diagnose(falling(to=0.98)).findings}


def test_noise_is_no_pace():
    rng = np.random.default_rng(0)
    noisy = changed(
        healthy_record(),
        {"probe_loss": lambda steps: 2.3 * (0.9 + 0.2 * rng.standard_normal(len(steps)))},
        outcome=failed(final_train_loss=2.1),
    )
    assert "too_short" not in {finding.condition for finding in diagnose(noisy).findings}
