import io
import json
import math
from dataclasses import replace
from itertools import pairwise

import pytest
from rich.console import Console

from gradclinic.comparison import Comparison, compare
from gradclinic.schemas import ComparisonAnswer
from gradclinic.text.chart import Line, profile_chart
from gradclinic.text.comparison import ranking_text
from gradclinic.text.console import console_for, show, speaks_unicode
from gradclinic.text.diagnosis import diagnosis_words, remedy_words
from gradclinic.text.numbers import decades, factor, short
from gradclinic.text.profile import mean_profile
from gradclinic.text.seeds import arm_lines, study_diagnosis_words

from ..comparison.runs import STUCK, arm


def drawn(*lines: Line, **options: object) -> list[str]:
    chart = profile_chart(lines, unit="gradient", across="layer", width=60, height=11, **options)  # type: ignore[arg-type]
    return [row.plain for row in chart]


def body(rows: list[str]) -> list[str]:
    return [row.split("│", 1)[1] for row in rows if "│" in row]


def test_a_decade_is_the_same_height_everywhere() -> None:
    rows = body(drawn(Line("a", "A", [10.0**-power for power in range(11)])))
    assert [row.count("A") for row in rows] == [1] * 11
    columns = [row.index("A") for row in rows]
    assert columns == sorted(columns)
    steps = {after - before for before, after in pairwise(columns)}
    assert max(steps) - min(steps) <= 1


def test_lines_that_meet_stand_side_by_side() -> None:
    rows = body(drawn(Line("a", "A", [1.0, 1.0]), Line("b", "B", [1.0, 1.0]), Line("c", "C", [1.0, 0.1])))
    assert rows[0].count("ABC") == 1
    assert rows[0].rstrip().endswith("AB")


def test_markers_that_find_no_room_are_not_moved_to_other_places_but_told_of() -> None:
    lines = [Line(str(index), str(index), [1.0] * 12) for index in range(9)]
    (row,) = [row for row in body(drawn(*lines)) if row.strip()]
    assert row.count("0") == 12
    assert row.count("+") == 11
    assert row.rstrip().endswith("012345678")


def test_the_axis_has_powers_of_ten_and_the_ends_their_names() -> None:
    rows = drawn(Line("a", "A", [1e-8, 1.0]))
    assert rows[0].strip() == "gradient"
    assert "10⁰" in rows[1]
    assert any("10⁻⁸" in row for row in rows)
    assert any(row.split() == ["input", "layer", "→", "output"] for row in rows)


def test_a_terminal_without_unicode_gets_ascii() -> None:
    rows = drawn(Line("a", "A", [1e-8, 1.0]), unicode=False)
    assert all(row.isascii() for row in rows)
    assert any("1e-8" in row for row in rows)


def test_what_has_no_logarithm_is_counted_in_the_legend() -> None:
    rows = drawn(Line("a", "A", [0.0, math.nan, math.inf, 1.0], note="sick"))
    assert rows[-1].strip() == "A  a  sick; 3 of 4 values are zero or not finite, and not drawn"


def test_a_chart_without_a_single_drawable_value_says_so() -> None:
    assert "no value can be drawn" in drawn(Line("a", "A", [0.0, 0.0]))[0]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.001234, "0.00123"), (2.3, "2.3"), (12345.6, "12346"), (1e-7, "1e-07"), (0, "0"), (None, "-"), ("NaN", "NaN")],
)
def test_numbers_are_short(value: object, text: str) -> None:
    assert short(value) == text


def test_words_for_numbers() -> None:
    assert decades(9.26) == "loses 9.3 decades"
    assert decades(-0.2) == "gains 0.2 decades"
    assert decades("Infinity") == "loses everything"
    assert factor(0.999) == "1.00"
    assert factor(0.0123) == "0.012"


def test_profiles_of_seeds_are_averaged_over_their_logarithms() -> None:
    profiles = [
        {"points": [{"value": 1e-4}, {"value": 1.0}], "depth_slope": 4.0},
        {"points": [{"value": 1e-2}, {"value": "Infinity"}], "depth_slope": 2.0},
    ]
    mean = mean_profile(profiles)
    assert mean.values[0] == pytest.approx(1e-3)
    assert not math.isfinite(mean.values[1])
    assert mean.slope == 3.0


FINDING = {
    "condition": "vanishing_gradients",
    "severity": "critical",
    "harm": True,
    "confidence": 0.99,
    "layers": ["10.linear", "2.linear"],
    "first_step": 0,
    "last_step": 299,
    "evidence": [{"name": "depth_slope", "value": "Infinity", "unit": "decades", "threshold": 1.5}],
    "rule": "vanishing_gradients",
    "source": "somebody",
    "summary": "Gradients vanish.",
    "suggested_remedies": [{"kind": "swap_activation", "activation": "relu"}],
}


def test_a_diagnosis_says_what_where_since_when_by_what_and_what_to_try() -> None:
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    console.print(diagnosis_words({"findings": [FINDING]}, layers=12, steps=300))
    text = console.export_text()
    console.file.close()
    for words in (
        "vanishing gradients  (critical; it hurt learning; 99 % sure)",
        "Gradients vanish.",
        "2 of 12: 2.linear, 10.linear",
        "all 300, from the first one on",
        "inf decades",
        "threshold 1.5",
        "swap activation (relu)",
    ):
        assert words in text


def test_a_remedy_reads_as_words() -> None:
    scheme = {"kind": "set_initialization", "initialization": {"scheme": "xavier_normal"}}
    assert remedy_words(scheme) == "set initialization (xavier_normal)"
    gain = {"kind": "set_initialization", "initialization": {"scheme": "orthogonal", "input_gain": 0.1}}
    assert remedy_words(gain) == "set initialization (orthogonal, input gain 0.1)"
    assert remedy_words({"kind": "add_skip_connections", "scale": 0.2887}) == "add skip connections (scale 0.289)"


def answer(compared: Comparison) -> dict:
    return json.loads(ComparisonAnswer.model_validate(compared, from_attributes=True).model_dump_json())


def comparison(**effect: object) -> dict:
    found = {
        "difference": -1.5,
        "interval": [-2.0, -1.0],
        "ratio": 0.22,
        "ratio_interval": [0.13, 0.37],
        "wins": 3,
        "pairs": 3,
        "baseline_mean": 2.3,
        "arm_mean": 0.5,
        **effect,
    }
    arm = {
        "arm": "norm",
        "rank": 1,
        "verdict": "cures",
        "conditions": {"healthy": 3},
        "effects": {"final_validation_loss": found},
        "cost": {"train_seconds_ratio": 1.5},
    }
    return {
        "baseline": "baseline",
        "metric": "final_validation_loss",
        "confidence": 0.95,
        "complete": True,
        "baseline_conditions": {"vanishing_gradients": 3},
        "arms": [arm],
    }


def test_a_ranking_shows_verdict_effect_interval_and_cost() -> None:
    text = ranking_text(comparison())
    for words in ("vanishing 3/3", "cures", "healthy 3/3", "x0.22 [0.13, 0.37]", "x1.50"):
        assert words in text


def test_an_effect_without_a_number_counts_its_wins() -> None:
    assert "better in 3 of 3" in ranking_text(comparison(difference=None, interval=None))


def test_a_narrow_terminal_gets_fewer_columns_and_no_broken_ones() -> None:
    for width in (70, 80, 90, 120):
        lines = ranking_text(comparison(), width=width).splitlines()
        assert all(len(line) <= width for line in lines)
        assert any("cures" in line and "x0.22 [0.13, 0.37]" in line for line in lines)


def test_plain_output_has_neither_colours_nor_trailing_blanks(capsys: pytest.CaptureFixture[str]) -> None:
    console = console_for()
    show(console, "a" + " " * 50, "b")
    assert capsys.readouterr().out == "a\nb\n"
    assert isinstance(speaks_unicode(console), bool)


def test_what_the_seeds_say_is_a_line_for_each_arm_and_a_page_with_evidence() -> None:
    runs = [*STUCK, *arm("relu", [0.3, 0.3, 0.3, 0.31, 0.29])]
    compared = answer(compare(runs))
    assert [line.plain.split("(")[0] for line in arm_lines(compared)] == [
        "  baseline: Vanishing gradients in 5 of 5 seeds ",
        "  relu: Healthy in 5 of 5 seeds ",
    ]
    diagnosis = {"primary": "vanishing_gradients", "findings": [FINDING]}
    swept = replace(STUCK[0], sweep_point=(("/optimizer/learning_rate", 0.25),), diagnosis=diagnosis)
    console = Console(width=110, record=True, file=io.StringIO())
    console.print(study_diagnosis_words(answer(compare([swept, *arm("relu", [0.3])]))))
    text = console.export_text()
    assert "baseline at learning_rate 0.25 (seed 0)" in text
    assert "10.linear (1), 2.linear (1)   (how many seeds name it)" in text
    assert "(threshold 1.5)" in text


def test_a_gain_over_seeds_is_read_as_the_gain_of_a_run_is() -> None:
    slope = {"name": "depth_slope", "value": -9.3, "unit": "decades", "threshold": -1.5}
    finding = {**FINDING, "condition": "exploding_gradients", "evidence": [slope]}
    diagnosis = {"primary": "exploding_gradients", "findings": [finding]}
    runs = [replace(each, diagnosis=diagnosis) for each in STUCK]
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(study_diagnosis_words(answer(compare([*runs, *arm("relu", [0.3])]))))
    text = " ".join(console.export_text().split())
    assert "gradient gained from output to input 9.3 decades" in text
    assert "94 %: 9.3 to 9.3 (threshold 1.5)" in text
