"""The part of a fall that came late, of losses whose shape is known."""

import numpy as np
import pytest

from gradclinic.diagnosis.pace import late_fall

AT = np.linspace(0.0, 1.0, 201)
BATCHES = np.random.default_rng(0).normal(size=201)


@pytest.mark.parametrize(
    ("losses", "part"),
    [
        (3.0 - AT, 0.5),  # a straight line
        (3.0 - AT + 0.1 * BATCHES, 0.5),
        (2.0 + np.exp(-20.0 * AT), 0.0),
        (3.0 - np.maximum(0.0, AT - 0.5), 1.0),  # all of it
    ],
)
def test_the_part_of_the_fall_that_came_in_the_second_half(losses, part):
    found = late_fall(losses)
    assert found is not None
    assert found.part == pytest.approx(part, abs=0.05)
    assert found.least <= found.part


@pytest.mark.parametrize(
    "losses",
    [
        2.0 + AT,
        3.0 - AT + np.where(AT < 0.5, 2 * AT, 1.0) * 0.98,  # it rose first, and came back to just below its start
        3.0 - 0.05 * AT + 0.2 * BATCHES,  # less than it scatters
        1.0 - 2.0 * AT,  # below 0
        (3.0 - AT)[:31],
        np.where(AT > 0.9, np.nan, 3.0 - AT),
    ],
)
def test_of_losses_that_did_not_clearly_fall_nothing_came_late(losses):
    assert late_fall(losses) is None
