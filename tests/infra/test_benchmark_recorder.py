"""`./run benchmark recorder` trains in rounds, and ends."""

import pytest
from benchmarks.recorder import WARM_UP, measure, rows_of


@pytest.mark.parametrize(("budget_s", "rounds"), [(0.0, 1), (3600.0, 3)])
def test_there_is_one_round_and_no_other_begins_after_the_budget(budget_s: float, rounds: int) -> None:
    trained: list[int] = []
    seconds = measure({"no recording": trained.append}, steps=300, repeats=3, budget_s=budget_s)
    assert trained == [WARM_UP] + [300] * rounds
    assert len(seconds["no recording"]) == rounds


def test_ratios_are_medians_over_the_rounds_and_the_second_baseline_is_the_noise() -> None:
    seconds = {"no recording": [1.0, 2.0, 4.0], "no recording, again": [1.1, 2.0, 4.4], "default plan": [1.2, 2.2, 9.9]}
    (row,) = rows_of(seconds, kind="service", network="LSTM", steps=300)
    assert (row["subject"], row["value"], row["noise"]) == ("default plan", 1.2, 0.1)
