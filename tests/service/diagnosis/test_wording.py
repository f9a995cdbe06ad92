from math import inf

import pytest

from gradclinic.diagnosis.wording import as_read


@pytest.mark.parametrize(
    ("value", "threshold", "read"),
    [
        (-9.3, -1.5, ("gradient gained from output to input", 9.3, 1.5)),
        (-9.3, None, ("gradient gained from output to input", 9.3, None)),
        (0.0, None, ("gradient lost from output to input", 0.0, None)),
        (9.3, 1.5, ("gradient lost from output to input", 9.3, 1.5)),
        (-0.2, 1.5, ("gradient lost from output to input", -0.2, 1.5)),
        (0.2, -1.5, ("gradient gained from output to input", -0.2, 1.5)),
        (-0.2, 0.0, ("gradient lost from output to input", -0.2, 0.0)),
    ],
)
def test_a_slope_is_read_as_what_it_is_held_against_and_else_as_what_it_is(value, threshold, read):
    assert as_read("depth_slope", value, threshold)[:3] == read


def test_the_interval_of_a_gain_is_turned_with_its_sign():
    assert as_read("depth_slope_early", -3.0, None, interval=[-inf, -2.0]).interval == (2.0, inf)
    assert as_read("depth_slope_early", 3.0, None, interval=[2.0, 4.0]).interval == (2.0, 4.0)


def test_only_slopes_are_turned_and_an_unknown_number_goes_by_its_own_name():
    assert as_read("net_change", -1.0, None)[:2] == ("net fall relative to always predicting the average", -1.0)
    assert as_read("some_other_number", 1.0, 2.0) == ("some other number", 1.0, 2.0, None)
