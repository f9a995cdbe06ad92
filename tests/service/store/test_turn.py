from typing import Any

import pytest

from gradclinic.store import Reason, Run, Store

from .costs import analyzed, rows_read
from .records import new_run, new_study, queued

TRAINED = Reason("trained", "")


def study_of(store: Store, runs: int, **changes: Any) -> list[Run]:
    """The runs of a study, in order of creation."""
    study = store.studies.create(new_study(), [new_run(**changes)] * runs).item
    return list(store.runs.with_documents([run.id for run in store.runs.of_study(study.id)]))


def claim_next(store: Store, *, queue: str = "cpu", owner: str = "vm/1/2") -> Run:
    """What the next free worker claims, whichever message it received."""
    everywhere = store.everywhere()
    run_id = everywhere.leases.next_run("run_of_a_message", queues=[queue])
    assert run_id is not None
    lease = everywhere.leases.claim(run_id, owner=owner, ttl_s=60)
    assert lease is not None
    return lease.run


def trained(store: Store, runs: int) -> list[Run]:
    """What one worker trains, one after the other."""
    found = []
    for _ in range(runs):
        found.append(claim_next(store))
        lease = store.everywhere().leases.claim(found[-1].id, owner="vm/1/2", ttl_s=60, again=True)
        assert lease is not None
        store.everywhere().leases.finish(lease, status="succeeded", reason=TRAINED)
    return found


def test_each_projects_next_run_starts_in_turn_behind_thousands_of_runs_of_one(store: Store) -> None:
    large, middle, small = (store.within(name) for name in ("a-large", "b-middle", "c-small"))
    study_of(large, 3000)
    middle_ids = [run.id for run in study_of(middle, 20)]
    small_ids = [queued(small).id for _ in range(2)]
    order = [
        "middle" if run.id in middle_ids else "small" if run.id in small_ids else "large" for run in trained(store, 9)
    ]
    assert order == ["large", "middle", "small", "large", "middle", "small", "large", "middle", "large"]


@pytest.mark.slow
def test_the_next_run_of_each_of_three_projects_starts_in_turn_among_20_000_that_wait(store: Store) -> None:
    sizes = {"a-large": 14_000, "b-middle": 4_000, "c-small": 2_000}
    project_of: dict[str, str] = {}
    for project, runs in sizes.items():
        for _ in range(runs // 2_000):
            study = store.within(project).studies.create(new_study(), [new_run()] * 2_000).item
            project_of |= {run.id: project for run in store.within(project).runs.of_study(study.id)}
    assert len(project_of) == 20_000
    order = [project_of[run.id] for run in trained(store, 300)]
    assert order == [*sizes] * 100


def test_the_project_with_the_fewest_running_runs_is_next(store: Store) -> None:
    first, second = store.within("a"), store.within("b")
    of_first = {run.id for run in study_of(first, 10)}
    assert [claim_next(store).id in of_first for _ in range(3)] == [True] * 3
    study_of(second, 10)
    assert [claim_next(store).id in of_first for _ in range(6)] == [False] * 3 + [True, False, True]


def test_a_short_run_waits_for_one_run_of_each_study_of_its_project_only(store: Store) -> None:
    first, second = study_of(store, 300), study_of(store, 300)
    single = queued(store)
    assert [run.id for run in trained(store, 6)] == [
        first[0].id, second[0].id, single.id, first[1].id, second[1].id, first[2].id,
    ]  # fmt: skip


def test_runs_that_are_submitted_one_by_one_do_not_keep_a_study_waiting(store: Store) -> None:
    study = study_of(store, 300)
    trained(store, 10)
    done = []
    for _ in range(4):
        queued(store)
        done += trained(store, 2)
    assert len({run.id for run in done} & {run.id for run in study}) == 4


def test_each_queue_has_its_own_turns(store: Store) -> None:
    first, second = store.within("a"), store.within("b")
    on_cpu, on_gpu = queued(first), queued(second, queue="gpu")
    assert store.leases.next_run("none", queues=["gpu"]) is None
    assert claim_next(store, queue="gpu").id == on_gpu.id
    assert claim_next(store).id == on_cpu.id
    assert store.everywhere().leases.next_run("none", queues=["cpu", "gpu"]) is None


def test_the_queue_of_the_message_comes_before_the_others_of_its_worker(store: Store) -> None:
    on_cpu, on_gpu = queued(store), queued(store, queue="gpu")
    assert store.leases.next_run(on_cpu.id, queues=["gpu", "cpu"]) == on_cpu.id
    assert store.leases.next_run(on_gpu.id, queues=["cpu"]) == on_gpu.id
    assert store.leases.next_run("none", queues=["gpu", "cpu"]) == on_gpu.id


def cost_of_claim(store: Store) -> float:
    analyzed(store)
    with rows_read(store.everywhere()) as read:
        assert store.everywhere().leases.next_run("none", queues=["cpu"]) is not None
    return sum(read)


def test_what_a_claim_reads_does_not_grow_with_the_runs_that_wait_or_have_ended(store: Store) -> None:
    projects = [store.within(name) for name in ("a", "b", "c")]
    for project in projects:
        study_of(project, 5)
    trained(store, 6)
    few = cost_of_claim(store)
    for project in projects:
        study_of(project, 400)
    trained(store, 60)
    assert few > 0
    assert cost_of_claim(store) <= 1.5 * few + 20


def test_a_page_of_a_projects_runs_reads_none_of_the_others(store: Store) -> None:
    queued(store.within("a"))
    study_of(store.within("b"), 400)
    queued(store.within("c"))
    analyzed(store)
    costs = []
    for project in ("a", "c"):
        with rows_read(store.within(project)) as read:
            assert len(store.within(project).runs.page().items) == 1
        costs.append(sum(read))
    assert 0 < costs[0] <= 1.5 * costs[1] + 20
