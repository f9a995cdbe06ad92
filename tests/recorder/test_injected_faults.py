"""The origin of the first non-finite number, in trainings with a fault that was put at a known place."""

import pytest

from .injected_faults import DEVELOPED, HELD_OUT, Injected, is_right, told

LEAST_RIGHT = 0.95


@pytest.mark.parametrize("fault", DEVELOPED, ids=lambda fault: fault.name)
def test_the_operation_the_module_and_the_rows_are_named(fault: Injected) -> None:
    said = told(fault)
    assert is_right(fault, said), said


@pytest.mark.filterwarnings("ignore:std")
def test_faults_that_were_not_used_to_develop_the_search_are_named_too() -> None:
    wrong = [fault.name for fault in HELD_OUT if not is_right(fault, told(fault))]
    assert len(wrong) <= (1 - LEAST_RIGHT) * len(HELD_OUT), wrong
