"""In which order a report lists what was tried."""

from dataclasses import replace

import pytest

from gradclinic.comparison.arms import CONTROL
from gradclinic.prescription import Budget, SearchTask, advance, report

from ..diagnoses import diagnosed
from .world import EXPERIMENT, by_norm, result_of, search


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


def test_a_search_that_runs_says_what_it_does_and_how_much_of_it_is_left():
    task = SearchTask(EXPERIMENT, budget=Budget(seconds=240))
    found = report(advance(task, {}))
    assert found.why == "The search is running: the unchanged experiment, 3 runs left in this round."
    assert (found.diagnosis, found.control, found.cure, found.ending) == (None, None, None, None)
    assert (found.status, found.round, found.spent.runs, found.spent.waiting) == ("running", "diagnose", 0, 3)


@pytest.mark.parametrize(
    ("deleted", "said"),
    [((), "in this round."), (("a",), "1 run of the search was deleted and counts as not trained."),
     (("a", "b"), "2 runs of the search were deleted and count as not trained.")],
)  # fmt: skip
def test_runs_that_were_deleted_are_counted_in_words(deleted, said):
    assert report(advance(SearchTask(EXPERIMENT), {}), deleted=deleted).why.endswith(said)


def test_conditions_are_those_of_the_unchanged_experiment_and_findings_those_of_its_own_seed():
    state = search(SearchTask(EXPERIMENT, budget=Budget(seconds=240)), by_norm)
    found = report(state)
    assert found.diagnosis.conditions == {"vanishing_gradients": 3}
    first = next(trial for trial in state.asked if trial.round == "diagnose")
    bare = {**state.results, first.key: replace(state.results[first.key], diagnosis=None)}
    assert report(replace(state, results=bare)).diagnosis.conditions == {
        "insufficient_evidence": 1,
        "vanishing_gradients": 2,
    }


def test_a_trial_is_shown_as_it_ended():
    state = search(SearchTask(EXPERIMENT, budget=Budget(seconds=240)), by_norm)
    trial = next(each for each in state.asked if each.round == "screen")
    done = state.results[trial.key]

    def shown(result):
        results = {key: each for key, each in state.results.items() if key != trial.key}
        if result is not None:
            results[trial.key] = result
        tried = report(replace(state, results=results)).tried
        return next(run for each in tried for run in each.runs if run.key == trial.key)

    ended = shown(done)
    assert (ended.run_id, ended.status) == (done.run_id, "succeeded")
    assert (ended.primary, ended.learned) == (done.primary, done.learned)
    failed = shown(replace(done, status="failed", run_id=""))
    assert (failed.run_id, failed.status, failed.primary, failed.learned) == (None, "failed", None, None)
    waiting = shown(None)
    assert (waiting.run_id, waiting.status, waiting.primary, waiting.relative_train_loss) == (
        None,
        "queued",
        None,
        None,
    )


def test_the_control_counts_the_runs_that_its_random_remedies_cured():
    state = search(SearchTask(EXPERIMENT, budget=Budget(seconds=240)), by_norm)
    found = report(state)
    drawn = [state.results[trial.key] for trial in state.asked if trial.arm == CONTROL]
    assert found.control.runs == len(found.control.draws) == len(drawn) == 5
    assert found.control.cured == sum(result.primary == "healthy" for result in drawn)
    assert found.control.verdict == found.comparison.arm(CONTROL).verdict
    assert found.cure.evidence.arm == found.cure.name
    assert (found.cure.simplest.name, found.cure.best.name) == (
        state.outcome.simplest.name,
        state.outcome.best.name,
    )
    alone = replace(state, outcome=replace(state.outcome, simplest=None, best=None))
    assert report(alone).cure.simplest.name == report(alone).cure.best.name == found.cure.name


@pytest.mark.parametrize(("condition", "cured"), [("healthy", 1), ("oscillating_loss", 0)])
def test_a_random_remedy_that_learned_with_harm_cured_nothing(condition, cured):
    state = search(SearchTask(EXPERIMENT, budget=Budget(seconds=240)), by_norm)
    first, *others = (trial for trial in state.asked if trial.arm == CONTROL)
    ended = {each.key: result_of(each, 1.0) for each in others}
    ended[first.key] = replace(result_of(first, 0.1), diagnosis=diagnosed(condition))
    assert report(replace(state, results={**state.results, **ended})).control.cured == cured


def test_a_cure_that_was_never_compared_comes_without_evidence():
    state = search(SearchTask(EXPERIMENT, budget=Budget(seconds=240)), by_norm)
    found = report(replace(state, outcome=replace(state.outcome, comparison=None)))
    assert found.cure.evidence is None
    assert found.control.verdict is None
