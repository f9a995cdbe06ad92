"""A momentum beyond the usual is what makes steps too large, whichever condition they cause."""

from dataclasses import replace

import numpy as np
import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.diagnosis.features import extract
from gradclinic.diagnosis.momentum import in_words, too_large
from gradclinic.diagnosis.slow_causes import cause
from gradclinic.diagnosis.thresholds import Thresholds

from .records import SICK, changed, failed, healthy_record
from .seen import REGRESSION, but


def under(momentum, record=None, *, name="SGD"):
    look = but(REGRESSION, "optimizer", name=name, learning_rate=0.02, momentum=momentum)
    return replace(record if record is not None else healthy_record(), preflight=look)


@pytest.mark.parametrize(
    ("name", "momentum", "found"),
    [("SGD", 0.999, 0.999), ("RMSprop", 0.995, 0.995), ("SGD", 0.99, None), ("SGD", 1.0, None), ("Adam", 0.999, None)],
)
def test_it_is_beyond_that_of_published_networks_where_steps_add_up(name, momentum, found):
    assert too_large(under(momentum, name=name)) == found
    assert too_large(healthy_record()) is None


def died(momentum):
    """Units that were alive before the first step."""
    record = changed(
        healthy_record(), {"dead_fraction": lambda steps: np.where(steps == 0, 0.02, 1.0)}, outcome=failed()
    )
    return under(momentum, record)


@pytest.mark.parametrize(
    ("sick", "condition"),
    [
        (died, "dead_units"),
        (lambda momentum: under(momentum, SICK["divergence"]()), "divergence"),
        (lambda momentum: under(momentum, SICK["oscillating_loss"]()), "oscillating_loss"),
    ],
)
def test_it_is_blamed_before_the_learning_rate(sick, condition):
    found = {momentum: diagnose(sick(momentum)).findings for momentum in (0.9, 0.999)}
    usual, beyond = ({each.condition: each for each in findings}[condition] for findings in found.values())
    assert usual.blames[0] == "learning_rate"
    assert beyond.blames[:2] == ("optimizer", "learning_rate")
    assert "A momentum of 0.999 adds steps up to 1,000 times the learning rate: lower it to 0.9" in beyond.summary
    assert "momentum" not in usual.summary


def test_steps_that_keep_a_loss_where_it_is_are_blamed_on_it_too():
    record = changed(
        healthy_record(), {"probe_loss": 2.3, "train_loss": 2.3, "update_to_weight_ratio": 0.1}, outcome=failed()
    )
    advice, blames = cause(extract(record), under(0.999, record), Thresholds())
    assert (advice.endswith("try a lower momentum"), blames[0]) == (True, "optimizer")
    assert cause(extract(record), under(0.9, record), Thresholds())[1][0] == "learning_rate"


def test_a_usual_momentum_has_no_words():
    assert in_words(under(0.9)) == ""
