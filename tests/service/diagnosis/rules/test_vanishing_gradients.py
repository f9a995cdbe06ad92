from dataclasses import replace

import numpy as np
import pytest

from gradclinic.diagnosis import diagnose, extract
from gradclinic.measurements.record import RunRecord, SiteInfo

from ..records import (
    changed,
    failed,
    healthy_record,
    stuck,
    vanishing,
    with_slope,
)


def test_vanishing_gradients_in_a_network_that_learned_are_a_finding_without_harm() -> None:
    diagnosis = diagnose(with_slope(healthy_record(), 4.0))
    assert diagnosis.primary == "healthy"
    harmless = next(finding for finding in diagnosis.findings if finding.condition == "vanishing_gradients")
    assert not harmless.harm
    assert "learned anyway" in harmless.summary


def test_the_layer_whose_gain_is_bad_is_the_culprit() -> None:
    levels = np.ones(10)
    levels[:6] = 1e-3
    diagnosis = diagnose(changed(healthy_record(), {"site_grad_rms": levels}, outcome=failed()))
    assert diagnosis.primary == "vanishing_gradients"
    assert diagnosis.findings[0].layers == ("12.linear",)
    assert "12.linear" in diagnosis.findings[0].summary


def test_an_even_loss_over_the_depth_is_blamed_on_many_layers() -> None:
    finding = diagnose(vanishing()).findings[0]
    assert len(finding.layers) >= 5


def test_an_exact_zero_gradient_everywhere_is_infinitely_steep() -> None:
    record = changed(healthy_record(), {"site_grad_rms": 0.0}, outcome=failed())
    features = extract(record)
    assert features.depth_slope_start == np.inf
    finding = diagnose(record).findings[0]
    assert finding.condition == "vanishing_gradients"
    assert "exactly zero" in finding.summary


def test_time_steps_share_their_weights_so_the_recurrent_layer_is_named() -> None:
    sites = tuple(
        SiteInfo(
            f"0.recurrent.t{t}",
            "state",
            in_profile=True,
            units=32,
            activation="tanh",
            bounded=True,
            group="0.recurrent",
        )
        for t in range(10)
    )
    diagnosis = diagnose(replace(vanishing(), sites=sites))
    assert diagnosis.findings[0].layers == ("0.recurrent",)
    assert "each step of 0.recurrent" in diagnosis.findings[0].summary


def test_late_vanishing_is_found_after_a_sound_start() -> None:
    record = healthy_record()
    profile = record.series["site_grad_rms"]
    values = np.array(profile.values)
    values[150:] *= 10.0 ** np.linspace(-5.0, 0.0, 10, dtype=np.float32)
    late = replace(record, series={**record.series, "site_grad_rms": replace(profile, values=values)}, outcome=failed())
    finding = diagnose(late).findings[0]
    assert finding.condition == "vanishing_gradients"
    assert finding.first_step == 150
    assert "late in training" in finding.summary


def _margin(record: RunRecord) -> float:
    return diagnose(record).findings[0].confidence


def test_confidence_grows_with_the_margin_to_the_threshold() -> None:
    base = changed(healthy_record(), outcome=failed())
    noisy = np.random.default_rng(0).normal(0.0, 0.5, 10)
    levels = {d: 10.0 ** (np.linspace(-d, 0.0, 10) + noisy) for d in (2.0, 6.0)}
    near, far = (changed(base, {"site_grad_rms": level}) for level in levels.values())
    assert _margin(near) < _margin(far)


def test_vanishing_from_the_start_is_as_sure_as_the_first_quarter_shows_whatever_comes_later() -> None:
    steps = np.arange(300)
    levels = 10.0 ** np.where(steps[:, None] < 80, np.linspace(-6.0, 0.0, 10), np.zeros(10))
    old = stuck().series["site_grad_rms"]
    series = {**stuck().series, "site_grad_rms": replace(old, values=levels.astype(np.float32))}
    finding = diagnose(replace(stuck(), series=series)).findings[0]
    assert (finding.condition, finding.last_step) == ("vanishing_gradients", 79)
    assert finding.confidence == pytest.approx(76 / 77, abs=1e-2)
