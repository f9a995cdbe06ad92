import math
from itertools import pairwise

from gradclinic.text.chart import Line, profile_chart


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
    assert rows[-1].strip() == "A  a  sick; 3 of 4 values are zero or not finite, and not shown"


def test_a_chart_without_a_single_drawable_value_says_so() -> None:
    assert "no values can be shown" in drawn(Line("a", "A", [0.0, 0.0]))[0]
