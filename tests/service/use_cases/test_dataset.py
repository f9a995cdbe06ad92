import pytest

from gradclinic.store import Store
from gradclinic.use_cases.dataset import is_repeatable

from ..store.records import new_run


@pytest.mark.parametrize(
    ("changes", "repeatable"),
    [
        ({"resolved_experiment": {"data": {"kind": "digits"}}}, True),
        ({"resolved_experiment": {}, "origin": "external"}, False),
        ({"resolved_experiment": {"data": {"kind": "uploaded", "id": "data_0"}}, "origin": "external"}, False),
    ],
)
def test_only_what_the_service_trained_can_be_repeated_by_it(store: Store, changes: dict, repeatable: bool) -> None:
    run = store.runs.create(new_run(**changes)).item
    assert is_repeatable(store, run) is repeatable
