import math

import pytest

from gradclinic.text.profile import mean_profile


def test_profiles_of_seeds_are_averaged_over_their_logarithms() -> None:
    profiles = [
        {"points": [{"value": 1e-4}, {"value": 1.0}], "depth_slope": 4.0},
        {"points": [{"value": 1e-2}, {"value": "Infinity"}], "depth_slope": 2.0},
    ]
    mean = mean_profile(profiles)
    assert mean.values[0] == pytest.approx(1e-3)
    assert not math.isfinite(mean.values[1])
    assert mean.slope == 3.0
