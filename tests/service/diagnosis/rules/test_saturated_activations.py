import numpy as np
import pytest

from gradclinic.diagnosis import diagnose

from ..records import changed, failed, healthy_record


def test_a_single_saturated_layer_is_named_although_the_mean_is_low() -> None:
    record = healthy_record(activation="tanh", bounded=True, can_die=False)
    levels = np.full(10, 0.02)
    levels[5] = 0.98
    diagnosis = diagnose(changed(record, {"saturated_fraction": levels}, outcome=failed()))
    assert diagnosis.primary == "saturated_activations"
    assert diagnosis.findings[0].layers == ("10.linear",)


def test_saturation_from_the_start_counts_every_record_and_lasts_until_the_last_step() -> None:
    flat = healthy_record(activation="tanh", bounded=True, can_die=False)
    finding = diagnose(changed(flat, {"saturated_fraction": 0.95}, outcome=failed())).findings[0]
    records = len(flat.series["saturated_fraction"])
    assert (finding.condition, finding.first_step, finding.last_step) == ("saturated_activations", 0, 299)
    assert finding.confidence == pytest.approx((records + 1) / (records + 2), abs=1e-3)


def test_saturation_that_passes_ends_with_the_last_record_that_shows_it() -> None:
    flat = healthy_record(activation="tanh", bounded=True, can_die=False)
    passing = changed(flat, {"saturated_fraction": lambda steps: np.where(steps < 100, 0.95, 0.0)})
    finding = next(each for each in diagnose(passing).findings if each.condition == "saturated_activations")
    assert (finding.first_step, finding.last_step) == (0, 90)
