"""What is tried against a condition follows from its mechanism."""

import pytest

from gradclinic.experiments.experiment import Experiment
from gradclinic.prescription import SearchTask, advance
from gradclinic.prescription.candidates import Candidate, candidate, first_candidates, label, neighbours, simpler
from gradclinic.remedies.against import BATCH_NORM, CLIPPING, KAIMING, RELU, rate, skips
from gradclinic.remedies.network import Network
from gradclinic.remedies.train_longer import TrainLonger

from .world import EXPERIMENT, result_of

RECURRENT = Experiment.model_validate(
    {
        "model": {"kind": "rnn", "cell": "rnn", "width": 16},
        "data": {"kind": "first_token"},
        "optimizer": {"kind": "sgd", "learning_rate": 0.1},
    }
)


def first(condition, experiment=EXPERIMENT):
    """What is put together against a condition, the most promising first."""
    return [list(each.remedies) for each in first_candidates(experiment, [condition])]


def screened(condition):
    """The trials that a search screens first where every run has this condition."""
    task = SearchTask(EXPERIMENT)
    results = {each.key: result_of(each, 1.0, condition=condition) for each in advance(task, {}).waiting}
    return advance(task, results).waiting


def factors(tried):
    return [remedy.factor for each in tried for remedy in each if hasattr(remedy, "factor")]


@pytest.mark.parametrize("condition", ["divergence", "oscillating_loss", "dead_units", "exploding_gradients"])
def test_steps_that_are_too_large_are_only_made_smaller(condition):
    assert factors(first(condition))
    assert all(factor < 1 for factor in factors(first(condition)))


def test_steps_that_are_too_small_are_only_made_larger():
    assert factors(first("slow_convergence"))
    assert all(factor > 1 for factor in factors(first("slow_convergence")))


@pytest.mark.parametrize("condition", ["vanishing_gradients", "saturated_activations"])
def test_where_no_gradient_arrives_the_network_is_changed_and_not_its_steps(condition):
    assert [remedy.kind for remedy in first(condition)[0]] == ["add_batch_norm"]
    assert factors(first(condition)) == []


def test_dead_units_are_given_a_new_start_or_a_slope_below_zero():
    tried = first("dead_units")
    assert [remedy.initialization.scheme for remedy in tried[0]] == ["kaiming_normal"]
    assert any(
        remedy.kind == "swap_activation" and remedy.activation.name == "leaky_relu" for each in tried for remedy in each
    )


@pytest.mark.parametrize(("activation", "scheme"), [("sigmoid", "xavier_normal"), ("relu", "kaiming_normal")])
def test_an_explosion_is_met_by_the_start_that_fits_the_activation(activation, scheme):
    document = EXPERIMENT.to_json()
    document["model"]["activation"] = activation
    experiment = Experiment.model_validate(document)
    assert [remedy.initialization.scheme for remedy in first("exploding_gradients", experiment)[0]] == [scheme]


@pytest.mark.parametrize("condition", ["vanishing_gradients", "exploding_gradients"])
def test_a_recurrent_network_gets_gates_and_no_norm_between_its_steps(condition):
    kinds = {remedy.kind for each in first(condition, RECURRENT) for remedy in each}
    assert "use_gated_cell" in kinds
    assert not kinds & {"add_batch_norm", "add_skip_connections", "swap_activation"}


def test_conditions_without_a_mechanism_that_is_known_give_no_ideas():
    assert first("insufficient_evidence") == []


def test_a_sum_over_the_depth_is_kept_level():
    # Twelve layers: a branch of 1 / sqrt(12) each.
    assert Network.declared(EXPERIMENT).branch == pytest.approx(12**-0.5, abs=5e-4)


def test_a_search_tries_what_belongs_to_the_condition_that_it_found():
    dead = {remedy.kind for trial in screened("dead_units") for remedy in trial.remedies}
    slow = [remedy for trial in screened("slow_convergence") for remedy in trial.remedies]
    assert {"set_initialization", "lower_learning_rate"} <= dead
    assert not any(remedy.kind == "lower_learning_rate" for remedy in slow[:6])


def test_candidates_are_named_by_what_was_set():
    assert label(BATCH_NORM) == "add_batch_norm"
    found = candidate(EXPERIMENT, [BATCH_NORM, rate(0.5)])
    assert found.name == "add_batch_norm + lower_learning_rate(factor 0.5)"


def test_remedies_that_change_nothing_or_do_not_apply_are_no_candidate():
    assert candidate(EXPERIMENT, []) is None
    assert candidate(EXPERIMENT, [BATCH_NORM, BATCH_NORM]) is None
    assert isinstance(candidate(EXPERIMENT, [BATCH_NORM]), Candidate)


def test_a_candidate_is_simplified_by_each_of_its_remedies():
    three = candidate(EXPERIMENT, [BATCH_NORM, KAIMING, rate(0.5)])
    parts = [list(each.remedies) for each in simpler(EXPERIMENT, three)]
    assert parts == [[KAIMING, rate(0.5)], [BATCH_NORM, rate(0.5)], [BATCH_NORM, KAIMING]]


def test_a_neighbour_replaces_what_stands_on_the_same_axis_and_adds_to_the_structure():
    best = candidate(EXPERIMENT, [BATCH_NORM, KAIMING, CLIPPING])
    near = [[remedy.kind for remedy in each.remedies] for each in neighbours(EXPERIMENT, [best], restless=True)]
    steps = {"lower_learning_rate", "set_learning_rate", "change_optimizer", "clip_gradients", "add_warmup"}
    starts = {"set_initialization", "scale_residual_branches"}
    assert near
    for kinds in near:
        assert len(kinds) == len(set(kinds))
        assert sum(kind in steps for kind in kinds) == 1
        assert sum(kind in starts for kind in kinds) == 1
        assert "add_batch_norm" in kinds
    assert near[0] == ["add_batch_norm", "set_initialization", "lower_learning_rate"]
    assert any(kinds[0] == "add_batch_norm" and kinds[1] == "add_skip_connections" for kinds in near)


def test_two_ways_to_the_same_experiment_are_one_candidate():
    found = first_candidates(EXPERIMENT, ["no_such_condition"], [RELU, RELU, skips(1.0)])
    assert [[remedy.kind for remedy in each.remedies] for each in found] == [
        ["swap_activation"],
        ["add_skip_connections"],
    ]


def test_a_candidate_that_trains_longer_takes_its_factor_of_any_number_of_steps():
    longer = candidate(EXPERIMENT, [rate(0.1), TrainLonger(factor=2.5)])
    assert (longer.steps(300), longer.steps(100)) == (750, 250)
    assert candidate(EXPERIMENT, [rate(0.1)]).steps(300) == 300
