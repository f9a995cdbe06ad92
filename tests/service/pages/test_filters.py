from datetime import UTC, datetime, timedelta

import pytest

from gradclinic.pages import filters
from gradclinic.pages.filters import number, severity_class, statistic


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


def test_how_long_ago_a_time_was_and_how_long_a_training_took():
    now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    ages = {0: "just now", 61: "1 min ago", 7199: "1 h ago", 200_000: "2 d ago"}
    assert {s: filters.age(now - timedelta(seconds=s), now=now) for s in ages} == ages
    took = {0.004: "4 ms", 0.25: "0.2 s", 42: "42 s", 125: "2 min 5 s", 7500: "2 h 5 min"}
    assert {seconds: filters.duration(seconds) for seconds in took} == took
    assert filters.duration(None) == "–"


def test_short_numbers_have_three_digits():
    shown = {0.91: "0.910", 2.306: "2.31", -0.2378: "−0.238", 14026.0: "14,026", 7.6e5: "7.6e+05", 100.0: "100"}
    assert {value: filters.short(value) for value in shown} == shown
    assert (filters.short(None), filters.short(float("inf"))) == ("–", "∞")


def test_a_large_number_is_said_in_words():
    said = {9802: "9,802", 3_762_048: "3.76 million", 1_128_614_400: "1.13 billion", 4.2e15: "4200 trillion"}
    assert {value: filters.large(value) for value in said} == said


def test_a_statistic_is_named_without_abbreviations():
    assert statistic("site_grad_rms") == "layer gradient RMS"
    assert statistic("weight_norm_l2") == "weight norm L2"
