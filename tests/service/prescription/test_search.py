import json
import random
from dataclasses import replace

import pytest
from pydantic import ValidationError

from gradclinic.comparison.arms import CONTROL
from gradclinic.kernel.codec import decode, encode
from gradclinic.measurements.metrics import RunMetrics
from gradclinic.prescription import Budget, Report, SearchTask, advance, next_runs, report
from gradclinic.remedies.add_warmup import AddWarmup

from ..diagnoses import diagnosis, finding
from .world import EXPERIMENT, by_norm, by_norm_and_adam, hopeless, result_of, search

TASK = SearchTask(EXPERIMENT, budget=Budget(seconds=240))


def kinds(candidate):
    return {remedy.kind for remedy in candidate.remedies}


def test_a_healthy_experiment_costs_three_runs_and_has_nothing_to_cure():
    state = search(TASK, lambda trial: result_of(trial, 0.1))
    assert state.outcome.ending == "healthy"
    assert len(state.asked) == 3
    assert report(state).cure is None


def test_a_cure_of_one_remedy_is_found_and_confirmed_on_fresh_seeds():
    state = search(TASK, by_norm)
    outcome = state.outcome
    assert outcome.ending == "cured"
    assert kinds(outcome.cure) == {"add_batch_norm"}
    chosen_by = {trial.seed for trial in state.asked if trial.round != "confirm"}
    confirmed_on = {trial.seed for trial in state.asked if trial.round == "confirm"}
    assert len(confirmed_on) == 5
    assert not chosen_by & confirmed_on


def test_a_cure_that_needs_two_remedies_is_found():
    outcome = search(TASK, by_norm_and_adam).outcome
    assert outcome.ending == "cured"
    assert {"add_batch_norm", "change_optimizer"} <= kinds(outcome.cure)


def test_a_simpler_cure_that_is_as_good_is_preferred():
    def world(trial):
        norm = getattr(trial.experiment.model, "normalization", None) == "batch_norm"
        return result_of(trial, (0.0999 if len(trial.remedies) > 1 else 0.1) if norm else 1.0)

    outcome = search(TASK, world).outcome
    assert len(outcome.cure.remedies) == 1


def test_when_nothing_cures_it_says_so_with_the_best_that_was_tried():
    state = search(TASK, hopeless)
    assert state.outcome.ending == "not_cured"
    answer = report(state)
    assert answer.cure is None
    assert "not a cure" in answer.why
    assert answer.tried


def test_a_lucky_run_is_not_confirmed():
    lucky = {EXPERIMENT.training.seed, EXPERIMENT.training.seed + 1}

    def world(trial):
        return result_of(trial, 0.1 if trial.remedies and trial.seed in lucky else 1.0)

    assert search(TASK, world).outcome.ending == "not_cured"


def test_the_order_in_which_runs_end_does_not_matter():
    shuffled = search(TASK, by_norm, order=lambda trials: random.Random(3).sample(trials, len(trials)))
    assert [trial.key for trial in shuffled.asked] == [trial.key for trial in search(TASK, by_norm).asked]


def test_a_search_that_was_interrupted_goes_on_where_it_was():
    results = {}
    for trial in next_runs(TASK, results):
        results[trial.key] = by_norm(trial)
    screening = next_runs(TASK, results)
    results[screening[0].key] = by_norm(screening[0])
    assert next_runs(TASK, json_copy(results)) == screening[1:]


def json_copy(results):
    """The results as they come back from a store."""
    return {key: replace(result, metrics=decode(RunMetrics, encode(result.metrics))) for key, result in results.items()}


def test_trials_are_ready_to_train_and_screening_is_short():
    state = search(TASK, by_norm)
    for trial in state.asked:
        assert trial.experiment.training.seed == trial.seed
        assert trial.steps == (100 if trial.round in ("screen", "improve") else 300)
    assert len({trial.key for trial in state.asked}) == len(state.asked)


def test_the_random_control_is_drawn_from_the_seed_and_beaten():
    state = search(TASK, by_norm)
    control = report(state).control
    assert control.runs == 5
    assert control.cured < 5
    assert control.cure_against_control.verdict in ("cures", "improves")
    drawn = [trial.remedies for trial in state.asked if trial.arm == CONTROL]
    again = [trial.remedies for trial in search(TASK, by_norm).asked if trial.arm == CONTROL]
    others = [trial.remedies for trial in search(replace(TASK, seed=1), by_norm).asked if trial.arm == CONTROL]
    assert drawn == again != others


def never_alike(trial):
    """A world in which a candidate is as good as its name is long, so that the rounds choose other ones."""
    return result_of(trial, 0.3 + len(trial.arm) % 7 / 10 if trial.remedies else 1.0)


def cured_in_vain(trial):
    """A world in which candidates do well until they are confirmed, so that one after the other is tried."""
    return result_of(trial, 0.9 if trial.seed >= 1000 or not trial.remedies else 0.1)


@pytest.mark.parametrize("world", [by_norm, hopeless, never_alike, cured_in_vain])
@pytest.mark.parametrize("runs", [*range(16, 48), 80])
def test_a_budget_of_runs_is_never_exceeded(runs, world):
    state = search(replace(TASK, budget=Budget(runs=runs)), world)
    assert len(state.asked) <= runs
    assert state.round == "confirm"


@pytest.mark.parametrize("runs", [16, 20, 24, 40, 80])
def test_a_budget_of_few_runs_can_confirm_a_cure(runs):
    assert search(replace(TASK, budget=Budget(runs=runs)), by_norm).outcome.ending == "cured"


def test_a_budget_of_seconds_is_kept_where_runs_cost_what_they_did_before():
    state = search(replace(TASK, budget=Budget(seconds=100)), by_norm)
    assert report(state).spent.seconds <= 100
    assert state.outcome.ending == "cured"


def test_a_budget_is_in_seconds_or_in_runs():
    with pytest.raises(ValidationError):
        Budget(seconds=10, runs=10)
    with pytest.raises(ValidationError):
        Budget()


def test_candidates_that_could_not_be_trained_do_not_stop_the_search():
    def world(trial):
        found = by_norm(trial)
        broken = trial.experiment.optimizer.kind == "adam"
        return replace(found, status="failed", metrics=None, diagnosis=None) if broken else found

    assert search(TASK, world).outcome.ending == "cured"


def test_an_experiment_that_cannot_be_trained_is_said_to_be_so():
    state = search(TASK, lambda trial: result_of(trial, 1.0, status="failed"))
    assert state.outcome.ending == "untrainable"


def test_non_finite_trainings_are_ordinary_results():
    def world(trial):
        calm = trial.experiment.optimizer.learning_rate < 0.05 and trial.experiment.optimizer.kind == "sgd"
        return result_of(trial, 0.1 if calm else float("nan"), condition="divergence")

    outcome = search(TASK, world).outcome
    assert outcome.ending == "cured"
    assert kinds(outcome.cure) == {"lower_learning_rate"}


def test_what_the_diagnosis_suggests_is_tried():
    remedy = AddWarmup(warmup_steps=17)

    def world(trial):
        return replace(hopeless(trial), diagnosis=diagnosis(finding(suggested_remedies=(remedy,))))

    state = search(TASK, world)
    assert any(trial.remedies and trial.remedies[0] == remedy for trial in state.asked)


def test_the_report_is_stored_and_read_at_every_moment():
    results = {}
    rounds = []
    while (state := advance(TASK, results)).waiting:
        answer = stored(report(state))
        assert answer == report(state)
        assert answer.status == "running"
        rounds.append(answer.round)
        for trial in state.waiting:
            results[trial.key] = by_norm_and_adam(trial)
    answer = stored(report(state))
    assert answer == report(state)
    assert answer.status == "succeeded"
    assert answer.cure.evidence.verdict == "cures"
    assert answer.diagnosis.conditions == {"vanishing_gradients": 3}
    assert list(dict.fromkeys(rounds)) == ["diagnose", "screen", "improve", "race", "confirm"]


def stored(found):
    """The report as it comes back from a store."""
    return decode(Report, json.loads(json.dumps(encode(found), allow_nan=False)))


def test_everything_that_was_trained_was_spent_whether_the_search_would_ask_for_it_again_or_not():
    state = advance(TASK, {})
    first, second, third = state.waiting
    strayed = replace(first, key="strayed|7|300", round="improve", arm="strayed")
    results = {each.key: hopeless(each) for each in (first, second, third, strayed)}
    spent = report(advance(TASK, results), refused={second.key}).spent
    assert spent.runs == 3
    assert spent.seconds == pytest.approx(3 * 3.0)


@pytest.mark.parametrize(("condition", "first"), [("oscillating_loss", "lower"), ("vanishing_gradients", "set")])
def test_where_the_best_is_restless_smaller_steps_are_tried_first_and_else_larger_ones(condition, first):
    def world(trial):
        norm = getattr(trial.experiment.model, "normalization", None) == "batch_norm"
        return result_of(trial, 0.6, condition=condition) if norm else hopeless(trial)

    improved = [trial.arm for trial in search(TASK, world).asked if trial.round == "improve"]
    assert f"{first}_learning_rate" in improved[0]


@pytest.mark.parametrize(("steps", "short"), [(90, 90), (100, 100), (120, 50), (300, 100), (301, 100)])
def test_screening_takes_a_third_of_the_steps_and_no_less_than_fifty(steps, short):
    training = EXPERIMENT.training.model_copy(update={"steps": steps})
    task = replace(TASK, experiment=EXPERIMENT.model_copy(update={"training": training}))
    results = {trial.key: hopeless(trial) for trial in next_runs(task, {})}
    assert {trial.steps for trial in next_runs(task, results)} == {short}


def test_seeds_follow_the_experiments_own_and_wrap_at_the_largest():
    def seeds(seed, world=by_norm):
        training = EXPERIMENT.training.model_copy(update={"seed": seed})
        state = search(replace(TASK, experiment=EXPERIMENT.model_copy(update={"training": training})), world)
        return [
            list(dict.fromkeys(trial.seed for trial in state.asked if trial.round == round_))
            for round_ in ("diagnose", "screen", "race", "confirm")
        ]

    assert seeds(7) == [[7, 8, 9], [7], [7, 8], [1007, 1008, 1009, 1010, 1011]]
    assert seeds(2**31 - 1)[0] == [2**31 - 1, 0, 1]
    assert seeds(2**31 - 1001)[3] == [2**31 - 1, 0, 1, 2, 3]


def test_of_equal_cures_the_one_with_fewer_remedies_is_taken_and_a_much_better_one_is_not_given_up():
    def world(more):
        def ended(trial):
            norm = getattr(trial.experiment.model, "normalization", None) == "batch_norm"
            return result_of(trial, (more if len(trial.remedies) > 1 else 0.3) if norm else 1.0)

        return ended

    alike, better = search(TASK, world(0.25)).outcome, search(TASK, world(0.05)).outcome
    assert (len(alike.cure.remedies), len(alike.simplest.remedies)) == (1, 1)
    assert (len(better.cure.remedies), len(better.simplest.remedies)) == (2, 1)
    assert better.cure == better.best
    assert alike.best != alike.simplest


def test_where_nothing_trains_at_full_length_it_is_said():
    def world(trial):
        return result_of(trial, 1.0 if trial.arm == "baseline" or trial.steps < 300 else float("nan"))

    state = search(TASK, world)
    assert state.outcome.ending == "not_cured"
    assert state.outcome.comparison is None
    assert not [trial for trial in state.asked if trial.round == "confirm"]
    assert "No candidate trained to a finite loss" in state.outcome.why


def test_finalists_that_were_not_confirmed_make_way_for_the_next_while_the_budget_lasts():
    def world(trial):
        lucky = {EXPERIMENT.training.seed, EXPERIMENT.training.seed + 1}
        return result_of(trial, 0.1 if trial.remedies and trial.seed in lucky else 1.0)

    def confirmed(budget):
        asked = search(replace(TASK, budget=budget), world).asked
        arms = [trial.arm for trial in asked if trial.round == "confirm" and trial.arm not in ("baseline", CONTROL)]
        return len(set(arms))

    assert confirmed(Budget(runs=40)) == 2
    assert confirmed(Budget(runs=10_000)) > 2


def test_a_race_takes_as_many_as_the_budget_allows_and_the_best_single_remedy_among_them():
    raced = {trial.arm for trial in search(TASK, by_norm_and_adam).asked if trial.round == "race"}
    assert any("+" not in arm for arm in raced)
    assert any("+" in arm for arm in raced)
    few = {
        trial.arm
        for trial in search(replace(TASK, budget=Budget(runs=24)), by_norm_and_adam).asked
        if trial.round == "race"
    }
    assert 2 <= len(few) < len(raced)
