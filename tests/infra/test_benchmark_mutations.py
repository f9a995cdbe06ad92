"""The mutations change what is computed, one place at a time, and nothing else."""

import ast
from pathlib import Path

import pytest
from benchmarks.mutations.changes import changed, changes

SOURCE = '''
"""A docstring: 1 + 1 < 3."""

from typing import Annotated

LIMIT: Annotated[float, 2 * 3] = 5


def judged(value: "int | None", low: float) -> float:
    """Whether 1 < 2."""
    log.info("judged", twice=2 * value)
    if low <= value < LIMIT and not value == 7:
        return max(-value, 3 - low)
    return value ** 2
'''


@pytest.fixture
def found(tmp_path: Path) -> list:
    folder = tmp_path / "service" / "gradclinic" / "made_up"
    folder.mkdir(parents=True)
    (folder / "judged.py").write_text(SOURCE)
    return list(changes(tmp_path, "made_up"))


def test_each_operator_is_changed_into_its_opposite(found) -> None:
    computed = {f"{each.before} -> {each.after}" for each in found if not each.boundary}
    assert computed == {
        "low <= value < LIMIT and (not value == 7) -> low <= value < LIMIT or not value == 7",
        "low <= value < LIMIT -> low >= value < LIMIT",
        "low <= value < LIMIT -> low <= value > LIMIT",
        "not value == 7 -> value == 7",
        "value == 7 -> value != 7",
        "max(-value, 3 - low) -> min(-value, 3 - low)",
        "-value -> value",
        "3 - low -> 3 + low",
        "3 - low -> 4 - low",
        "value ** 2 -> value * 2",
        "value ** 2 -> value ** 3",
    }


def test_what_only_moves_a_boundary_is_told_apart(found) -> None:
    moved = {each.after for each in found if each.boundary}
    assert moved == {"low < value < LIMIT", "low <= value <= LIMIT"}


def test_each_source_differs_in_one_place_and_names_its_line(found) -> None:
    original = ast.unparse(ast.parse(SOURCE)).splitlines()
    for each in found:
        after = changed(SOURCE, each).splitlines()
        assert sum(one != other for one, other in zip(original, after, strict=True)) == 1
        assert str(each).startswith(f"service/gradclinic/made_up/judged.py:{each.line}: ")
