"""Gradients over the depth, along each path, from the first step with a gradient."""

from dataclasses import replace

import numpy as np
import pytest

from gradclinic.measurements.profile import at_start, profiles
from gradclinic.measurements.record import RunRecord, Series, SiteInfo

from ..diagnosis.records import changed, healthy_record


def with_sites(*sites: SiteInfo, levels: list[float]) -> RunRecord:
    record = healthy_record(layers=len(sites))
    return changed(replace(record, sites=sites), {"site_grad_rms": np.array(levels)})


def site(name: str, **facts: object) -> SiteInfo:
    return replace(SiteInfo(name, "pre_activation", in_profile=True, units=32), **facts)


def test_the_sites_of_each_path_have_a_slope_of_their_own() -> None:
    record = with_sites(
        *(site(f"encoder.{k}", path="encoder.0") for k in range(3)),
        *(site(f"decoder.{k}") for k in range(3)),
        levels=[1e-4, 1e-4, 1e-4, 0.01, 0.1, 1.0],
    )
    encoder, decoder = profiles(record)
    assert (encoder.columns, decoder.columns) == ((0, 1, 2), (3, 4, 5))
    assert encoder.slope[0] == pytest.approx(0.0, abs=1e-6)
    assert decoder.slope[0] == pytest.approx(2.0, abs=1e-6)


def test_a_path_of_two_sites_is_not_judged() -> None:
    record = with_sites(site("a", path="a"), site("b", path="a"), site("c"), levels=[1.0, 2.0, 3.0])
    assert profiles(record) == []


def test_a_readout_that_starts_at_zero_is_judged_from_the_first_step_with_a_gradient() -> None:
    record = with_sites(*(site(f"{k}") for k in range(4)), levels=[0.01, 0.1, 1.0, 10.0])
    gradients = record.get("site_grad_rms")
    values = gradients.values.copy()
    values[0] = 0.0
    late = replace(record, series={**record.series, "site_grad_rms": Series(gradients.steps, values)})
    (profile,) = profiles(late)
    assert profile.steps[0] == 1
    assert at_start(profile) == pytest.approx(3.0, abs=1e-6)


def test_gradients_that_stay_at_zero_are_no_start_that_passes() -> None:
    record = with_sites(*(site(f"{k}") for k in range(4)), levels=[0.0, 0.0, 0.0, 0.0])
    (profile,) = profiles(record)
    assert profile.steps[0] == 0
    assert at_start(profile) == np.inf


def test_without_the_first_step_nothing_is_known_of_the_start() -> None:
    record = with_sites(*(site(f"{k}") for k in range(4)), levels=[0.1, 0.1, 0.1, 0.1])
    gradients = record.get("site_grad_rms")
    later = Series(gradients.steps[5:], gradients.values[5:])
    (profile,) = profiles(replace(record, series={**record.series, "site_grad_rms": later}))
    assert at_start(profile) is None


def test_time_steps_after_the_readout_are_padding_and_no_part_of_the_profile() -> None:
    states = [site(f"cell@{k}", group="cell", kind="state") for k in range(6)]
    (profile,) = profiles(with_sites(*states, levels=[0.01, 0.1, 1.0, 0.0, 0.0, 0.0]))
    assert profile.columns == (0, 1, 2)
    assert profile.slope[0] == pytest.approx(2.0)
    assert profiles(with_sites(*states, levels=[0.1, 1.0, 0.0, 0.0, 0.0, 0.0])) == []
    (silent,) = profiles(with_sites(*states, levels=[0.0] * 6))
    assert len(silent.columns) == 6


@pytest.mark.parametrize("sign", [1, -1])
def test_a_layer_beside_the_way_whose_loss_others_make_good_is_no_outlier(sign: int) -> None:
    """As the scores of an attention: their gradient is small, and those before and after them are alike."""
    way = [site(f"{k}") for k in range(7)]
    (lasting,) = profiles(with_sites(*way, levels=[1.0, 1.0, 1.1, 1.0, *[100.0**sign] * 3]))
    (beside,) = profiles(with_sites(*way, levels=[1.0, 1.0, 1.1, 0.01, 1.0, 1.0, 1.0]))
    assert lasting.local_loss(sign=sign)[0] == pytest.approx(2.0)
    assert not beside.local_loss(sign=sign).any()
