from dataclasses import replace

import numpy as np
import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.diagnosis.features import extract
from gradclinic.diagnosis.rules.healthy import Healthy
from gradclinic.diagnosis.thresholds import Thresholds

from ..records import healthy_record


def test_a_network_that_learned_with_level_gradients_is_healthy_and_nothing_else() -> None:
    diagnosis = diagnose(healthy_record())
    assert diagnosis.primary == "healthy"
    assert [finding.condition for finding in diagnosis.findings] == ["healthy"]


def judged(**features):
    return Healthy().judge(replace(extract(healthy_record()), **features), healthy_record(), Thresholds())


@pytest.mark.parametrize(
    ("slope", "said"),
    [
        (0.29, "; gradients are level over the depth."),
        (0.3, "; gradients shrink by a factor of 10^0.3 from output to input."),
        (-0.3, "; gradients grow by a factor of 10^0.3 from output to input."),
        (None, "fell to 2.0 % of the loss of always predicting the average."),
    ],
)
def test_how_gradients_change_over_the_depth_is_said(slope, said):
    finding = judged(depth_slope_early=slope)
    assert finding.summary.endswith(said)
    assert (len(finding.evidence) == 2) is (slope is not None)


def test_it_is_as_sure_as_the_last_quarter_of_the_losses():
    steps = np.arange(0, 301, 5)
    losses = np.where(steps < 240, 0.6, 0.5)  # of the 16 probes from 225 on, 13
    assert judged(probe_steps=steps, probe_loss=losses).confidence == pytest.approx(14 / 18, abs=1e-3)


def test_a_network_that_did_not_learn_or_was_short_is_not_said_to_be():
    assert judged(relative_train_loss=0.51) is None
    assert judged(steps_done=10) is None
