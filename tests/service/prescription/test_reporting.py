"""In which order a report lists what was tried."""

from gradclinic.prescription import Budget, SearchTask, report

from .world import EXPERIMENT, by_norm, search


def test_candidates_that_got_farthest_come_first_and_of_those_the_best():
    tried = report(search(SearchTask(EXPERIMENT, budget=Budget(seconds=240)), by_norm)).tried
    order = ["confirm", "race", "improve", "screen"]
    reached = [order.index(each.reached) for each in tried]
    assert reached == sorted(reached)
    assert {"confirm", "screen"} <= {each.reached for each in tried}
    for place in set(reached):
        lowest = [
            min(run.relative_train_loss for run in each.runs)
            for each, here in zip(tried, reached, strict=True)
            if here == place
        ]
        assert lowest == sorted(lowest)
