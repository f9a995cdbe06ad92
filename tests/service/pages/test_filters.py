import pytest

from gradclinic.pages.filters import number, severity_class


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (13_853.0, "13,853"),
        (13_853, "13,853"),
        (0.12345, "0.1235"),
        (-0.5, "−0.5"),
        (9.001e22, "9.001e+22"),
        (None, "–"),
    ],
)
def test_numbers_read_as_a_person_writes_them(value, shown):
    assert number(value) == shown


def test_a_condition_is_coloured_by_its_rule_and_a_strange_one_is_not():
    assert severity_class("vanishing_gradients") == "severity-critical"
    assert severity_class("oscillating_loss") == "severity-warning"
    assert severity_class("healthy") == "severity-info"
    assert severity_class("of_another_version") == ""
