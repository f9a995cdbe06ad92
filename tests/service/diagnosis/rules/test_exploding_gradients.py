from dataclasses import replace

import numpy as np

from gradclinic.diagnosis import diagnose

from ..records import (
    changed,
    evidence_of,
    failed,
    healthy_record,
    stuck,
    truncated,
)


def test_a_gradient_that_is_not_finite_from_step_0_is_an_explosion_not_a_crash() -> None:
    record = changed(truncated(healthy_record(), 1), {"site_grad_rms": float("nan"), "train_loss": float("nan")})
    record = replace(
        record,
        outcome=failed(steps_done=0, nonfinite_step=0, final_train_loss=float("nan"), initial_train_loss=float("nan")),
    )
    diagnosis = diagnose(record)
    assert diagnosis.primary == "exploding_gradients"
    assert diagnosis.findings[0].first_step == 0


def test_an_explosion_that_comes_after_a_sound_start_is_told_by_its_later_slope() -> None:
    start, later = np.zeros(10), np.linspace(3.0, 0.0, 10)
    steps = np.arange(300)
    levels = 10.0 ** np.where(steps[:, None] < 5, start, later)
    old = stuck().series["site_grad_rms"]
    series = {**stuck().series, "site_grad_rms": replace(old, values=levels.astype(np.float32))}
    value, threshold = evidence_of(replace(stuck(), series=series), "exploding_gradients")["depth_slope"]
    assert (round(value, 3), threshold) == (-3.0, -1.5)
