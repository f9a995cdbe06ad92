import numpy as np
import pytest

from gradclinic.diagnosis import diagnose

from ..records import changed, failed, healthy_record, truncated


def test_a_running_loss_that_is_not_finite_is_certain() -> None:
    running = changed(
        truncated(healthy_record(), 40), {"train_loss": lambda steps: np.where(steps < 30, 2.0, np.nan)}, outcome=None
    )
    diagnosis = diagnose(running)
    assert diagnosis.primary == "divergence"
    assert diagnosis.findings[0].last_step == 30


@pytest.mark.parametrize(
    ("early", "late", "swing", "primary"),
    [
        (1.0, 1.0, 0.0, "slow_convergence"),  # the last value alone was a peak
        (4.0, 4.0, 0.0, "divergence"),
        (4.0, 4.0, 2.0, "oscillating_loss"),  # it swings high, but no higher than before
        (1.9, 4.0, 0.5, "divergence"),
        (2.1, 4.0, 2.0, "oscillating_loss"),
    ],
)
def test_a_loss_that_ends_high_ran_away_unless_it_swings_no_higher_than_before(early, late, swing, primary) -> None:
    def losses(steps: np.ndarray) -> np.ndarray:
        return 2.3 * (np.where(steps < 200, early, late) + swing * (-1.0) ** (steps // 5))

    ended = failed(final_train_loss=4.0 * 2.3)
    assert diagnose(changed(healthy_record(), {"probe_loss": losses}, outcome=ended)).primary == primary
