from dataclasses import replace

import numpy as np
import pytest

from gradclinic.diagnosis import extract
from gradclinic.measurements.record import SiteInfo

from .records import (
    changed,
    healthy_record,
)


def test_stacked_recurrent_layers_are_judged_by_the_steepest() -> None:
    sites = tuple(
        SiteInfo(f"{g}.recurrent.t{t}", "state", in_profile=True, units=32, group=f"{g}.recurrent")
        for g in (0, 1)
        for t in range(5)
    )
    levels = np.concatenate([10.0 ** np.linspace(-5, 0, 5), np.ones(5)])
    features = extract(replace(changed(healthy_record(), {"site_grad_rms": levels}), sites=sites))
    assert features.profile is not None
    assert features.profile.group == "0.recurrent"
    assert features.depth_slope_start == pytest.approx(5.0, abs=1e-5)


def test_frozen_layers_do_not_count_for_the_size_of_the_steps() -> None:
    record = healthy_record()
    weights = tuple(replace(weight, trainable=False) for weight in record.weights[:-1]) + record.weights[-1:]
    levels = np.full(11, 5.0)
    levels[-1] = 0.001
    features = extract(replace(changed(record, {"update_to_weight_ratio": levels}), weights=weights))
    assert features.total_update == pytest.approx(0.3, rel=0.05)
