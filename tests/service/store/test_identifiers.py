"""What is said of an identifier that is unknown."""

import pytest

from gradclinic.kernel.errors import NotFound
from gradclinic.store import Store
from gradclinic.store.identifiers import new_id, not_found


@pytest.mark.parametrize(
    ("what", "identifier", "said"),
    [
        ("run", "run_1", "there is no run 'run_1'"),
        ("run", "study_1", "there is no run 'study_1'; this is the identifier of a study"),
        ("study", "prescription_1", "there is no study 'prescription_1'; this is the identifier of a prescription"),
        ("check", "mine", "there is no check 'mine'"),
    ],
)
def test_an_identifier_of_something_else_is_said_to_be_one(what, identifier, said):
    assert str(not_found(what, identifier)) == said


def test_a_run_is_not_found_by_the_identifier_of_a_study_that_is_there_or_not(store: Store):
    with pytest.raises(NotFound, match=r"this is the identifier of a study$"):
        store.runs.get(new_id("study"))
