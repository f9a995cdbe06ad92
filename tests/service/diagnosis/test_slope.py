"""At and beside the values where a slope is near its threshold."""

from dataclasses import replace

import pytest

from gradclinic.diagnosis import slope
from gradclinic.diagnosis.features import extract
from gradclinic.diagnosis.thresholds import Thresholds

from .records import healthy_record

THRESHOLDS = Thresholds()
FEATURES = extract(healthy_record())


def features(**changes):
    return replace(FEATURES, **changes)


# --- a slope that is near its threshold of 1.5 decades ------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "early", "near"),
    [
        (None, None, None),
        (0.9, 0.5, None),
        (1.0, 0.5, 1.0),
        (0.5, 1.2, 1.2),
        (-1.2, 1.0, -1.2),
        (None, -1.4, -1.4),
        (1.2, 1.5, None),
        (-1.5, 1.2, None),
    ],
)
def test_the_steeper_slope_is_near_from_two_thirds_of_its_threshold_on(start, early, near):
    found = features(depth_slope_start=start, depth_slope_early=early)
    assert slope.near_slope(found, THRESHOLDS) == near
    evidence = [(each.name, each.value, each.threshold) for each in slope.near_slope_evidence(found, THRESHOLDS)]
    threshold = None if near is None else 1.5 if near > 0 else -1.5
    assert evidence == ([] if near is None else [("depth_slope", near, threshold)])


def test_a_near_slope_is_told_by_what_it_would_be_beyond_its_threshold():
    lost = slope.near_slope_in_words(features(depth_slope_start=1.2, depth_slope_early=0.0), THRESHOLDS)
    gained = slope.near_slope_in_words(features(depth_slope_start=-1.2, depth_slope_early=0.0), THRESHOLDS)
    assert "gradients shrink by a factor of 10^1.2" in lost
    assert "close to the 10^1.5 from which they count as vanishing" in lost
    assert "gradients grow by a factor of 10^1.2" in gained
    assert "count as exploding" in gained
    assert slope.near_slope_in_words(features(depth_slope_start=0.0, depth_slope_early=0.0), THRESHOLDS) == ""
