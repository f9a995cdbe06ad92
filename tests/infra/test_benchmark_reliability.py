"""The reliability table counts how often findings of a confidence are right."""

import pytest
from benchmarks.diagnosis.reliability import Said, by_condition, gap, table

SAID = [Said(0.99, True), Said(1.0, True), Said(0.985, False), Said(0.55, True), Said(0.5, False), Said(0.2, False)]


def test_each_bin_counts_its_findings_and_those_that_are_right():
    rows = {str(row["subject"]): row for row in table(SAID, configuration="all")}
    assert {subject: row["value"] for subject, row in rows.items()} == {
        "right at confidence 0.00 to 0.50": 0.0,
        "right at confidence 0.50 to 0.60": 0.5,
        "right at confidence 0.98 to 1.00": pytest.approx(2 / 3),
    }
    assert rows["right at confidence 0.50 to 0.60"]["configuration"] == "all, 2"
    assert "mean confidence 0.53" in str(rows["right at confidence 0.50 to 0.60"]["noise"])


def test_the_gap_is_positive_where_confidence_is_too_high():
    assert gap(SAID) == pytest.approx((0.99 + 1.0 + 0.985 + 0.55 + 0.5 + 0.2 - 3) / 6)
    assert gap([Said(0.5, True), Said(0.5, False)]) == 0.0
    assert gap([]) == 0.0


def test_each_condition_counts_the_diagnoses_that_it_led_and_says_where_they_are_few():
    led = [*[("divergence", Said(0.9, True))] * 10, ("dead_units", Said(0.8, True)), ("dead_units", Said(0.6, False))]
    dead, diverged = by_condition(led, configuration="all")
    assert (dead["subject"], dead["configuration"], dead["value"]) == ("right where dead_units leads", "all, 2", 0.5)
    assert dead["noise"] == "by the rule of succession 0.50; mean confidence 0.70; few"
    assert diverged["noise"] == "by the rule of succession 0.92; mean confidence 0.90"
