import math

import pytest

from gradclinic.schemas.statistic import ProfileAnswer
from gradclinic.text.profile import mean_profile


def profile(*values: float | str, slope: float) -> ProfileAnswer:
    points = [
        {"layer": str(depth), "depth": depth, "value": value, "predicted": None} for depth, value in enumerate(values)
    ]
    what = {"run_id": "run_1", "statistic": "site_grad_rms", "unit": "1", "step": 0}
    return ProfileAnswer.parse(
        {**what, "points": points, "depth_slope": slope, "predicted_depth_slope": None, "prediction": None}
    )


def test_profiles_of_seeds_are_averaged_over_their_logarithms() -> None:
    mean = mean_profile([profile(1e-4, 1.0, slope=4.0), profile(1e-2, "Infinity", slope=2.0)])
    assert mean.values[0] == pytest.approx(1e-3)
    assert not math.isfinite(mean.values[1])
    assert mean.slope == 3.0
