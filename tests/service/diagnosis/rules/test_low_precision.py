from dataclasses import replace

import numpy as np

from gradclinic.diagnosis import diagnose
from gradclinic.measurements.record import Series

from ..records import changed, failed, healthy_record
from ..seen import CLASSIFIER, but, seen

HALF = but(CLASSIFIER, "precision", lowest="float16")


def underflowing(fraction: float):
    record = changed(healthy_record(), outcome=failed())
    lost = Series(np.zeros(1, np.int32), np.full((1, len(record.sites)), fraction, np.float32))
    return replace(record, series={**record.series, "site_grad_underflow_fraction": lost})


def test_a_gradient_below_what_float16_holds_is_named_with_what_to_do():
    finding = diagnose(seen(HALF, record=underflowing(0.6))).findings[0]
    assert finding.condition == "low_precision"
    assert "GradScaler" in finding.summary
    assert finding.blames == ("precision",)


def test_with_a_scaler_or_little_underflow_it_is_none():
    scaled = but(HALF, "precision", scaled=True)
    for look, record in ((scaled, underflowing(0.6)), (HALF, underflowing(0.05)), (CLASSIFIER, underflowing(0.6))):
        assert "low_precision" not in {finding.condition for finding in diagnose(seen(look, record=record)).findings}
