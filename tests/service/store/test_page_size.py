from collections.abc import Callable
from typing import Any

import pytest

from gradclinic.store import Store
from gradclinic.store.page_size import PAGE_CHARACTERS, items_of_page

from .records import EXPERIMENT, new_run, new_study

LARGE = {**EXPERIMENT, "filler": "x" * (PAGE_CHARACTERS // 3)}


def pages(page: Callable[..., Any]) -> list[list[str]]:
    found, after = [], None
    while True:
        one = page(after=after, limit=3)
        found.append([item.id for item in one.items])
        after = one.next
        if after is None:
            return found


def test_a_page_of_large_documents_ends_early_and_the_next_one_goes_on(store: Store) -> None:
    made = [store.studies.create(new_study(experiment=LARGE), [new_run()]).item.id for _ in range(5)]
    assert pages(store.studies.page) == [made[:2:-1], made[2:0:-1], made[:1]]


def test_runs_are_listed_without_what_grows_with_their_network(store: Store) -> None:
    made = [store.runs.create(new_run(experiment=LARGE, resolved_experiment=LARGE)).item.id for _ in range(4)]
    assert pages(store.runs.page) == [made[:0:-1], made[:1]]
    assert store.runs.get(made[0]).experiment == LARGE


@pytest.mark.parametrize(
    ("sizes", "fitting"),
    [([], 0), ([1, 2], 2), ([PAGE_CHARACTERS + 1, 1], 1), ([PAGE_CHARACTERS, 1], 1), ([1, PAGE_CHARACTERS, 1], 1)],
)
def test_a_page_has_what_fits_and_at_least_one_item(sizes: list[int], fitting: int) -> None:
    assert items_of_page(sizes) == fitting
