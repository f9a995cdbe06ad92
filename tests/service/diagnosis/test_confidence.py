from math import inf, nan

import pytest

from gradclinic.diagnosis.confidence import above, agreement, median_of, share_above


def test_records_that_all_agree_leave_the_doubt_of_laplaces_rule():
    assert agreement([]) == 0.5
    assert agreement([1.0] * 8) == 0.9
    assert agreement([1.0, 0.0, nan, 0.5]) == 0.5
    assert share_above([0.4, 0.5, nan], 0.5) == 0.5


def test_a_value_without_an_error_is_above_its_threshold_or_not():
    assert above(1.5, 1.5, error=0.0) == 1.0
    assert above(1.4, 1.5, error=0.0) == 0.0
    assert above(inf, 1.5, error=0.3) == 1.0
    assert above(1.8, 1.5, error=0.3) == pytest.approx(0.8413, abs=1e-4)


def test_a_median_between_two_values_that_have_no_mean_is_the_lower_one():
    assert median_of([3.0, 1.0, 2.0, 8.0]) == 2.5
    assert median_of([1.0, inf]) == 1.0
    assert median_of([-inf, inf, inf, 1.0]) == 1.0
