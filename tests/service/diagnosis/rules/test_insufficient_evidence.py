from dataclasses import replace

import numpy as np
import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.measurements.preflight import PairingFacts
from gradclinic.measurements.record import RunRecord, WeightInfo

from ..records import (
    SICK,
    changed,
    failed,
    healthy_record,
    outcome,
    truncated,
    vanishing,
)
from ..seen import CLASSIFIER, but, seen


def test_too_few_steps_are_no_evidence_unless_the_loss_ran_away() -> None:
    short = replace(truncated(healthy_record(), 10), steps=10, outcome=outcome(steps_done=10))
    assert diagnose(short).primary == "insufficient_evidence"
    assert "10 steps" in diagnose(short).findings[0].summary
    assert diagnose(SICK["divergence"]()).primary == "divergence"


def test_nothing_recorded_is_insufficient_evidence() -> None:
    empty = replace(healthy_record(), series={}, outcome=None)
    assert diagnose(empty).primary == "insufficient_evidence"


def test_a_loss_of_zero_for_a_constant_leaves_nothing_to_learn() -> None:
    diagnosis = diagnose(changed(healthy_record(), outcome=outcome(constant_loss=0.0)))
    assert diagnosis.primary == "insufficient_evidence"
    assert "nothing to learn" in diagnosis.findings[0].summary


def test_a_loss_of_ones_own_that_a_constant_brings_to_zero_shows_nothing_and_says_nothing_of_the_data() -> None:
    look = but(CLASSIFIER, "loss", name="Own", takes="unknown")
    diagnosis = diagnose(seen(look, outcome=outcome(constant_loss=0.0)))
    assert diagnosis.primary == "insufficient_evidence"
    assert "Own can be 0 with one output for all samples" in diagnosis.findings[0].summary


def test_the_fewest_steps_that_can_be_judged_are_judged() -> None:
    short = truncated(vanishing(), 20)
    for steps, primary in ((20, "vanishing_gradients"), (19, "insufficient_evidence")):
        cut = replace(truncated(short, steps), steps=steps, outcome=failed(steps_done=steps))
        assert diagnose(cut).primary == primary


def seen_at(record: RunRecord, *names: str) -> RunRecord:
    """The record as it would be if the outputs of these layers alone had been seen."""
    kept = [index for index, site in enumerate(record.sites) if site.name in names]
    per_site = ("site_grad_rms", "saturated_fraction", "dead_fraction")
    series = {
        name: replace(each, values=each.values[:, kept]) if name in per_site else each
        for name, each in record.series.items()
    }
    return replace(record, sites=tuple(record.sites[index] for index in kept), series=series)


def test_a_network_that_did_not_learn_and_whose_layers_were_not_seen_is_not_called_unbroken() -> None:
    stuck = changed(healthy_record(), {"probe_loss": 2.3}, outcome=failed())
    assert diagnose(stuck).primary == "slow_convergence"
    unseen = diagnose(seen_at(stuck))
    assert unseen.primary == "insufficient_evidence"
    assert "100 % of its weights were not recorded" in unseen.findings[0].summary
    four, five = (seen_at(stuck, *(f"{2 * k}.linear" for k in range(count))) for count in (4, 5))
    assert "60 % of its weights" in diagnose(four).findings[0].summary
    assert diagnose(five).primary == "slow_convergence"  # half of them


def test_a_network_that_learned_is_healthy_whatever_was_seen_of_it() -> None:
    assert diagnose(seen_at(healthy_record())).primary == "healthy"


def test_weights_inside_a_block_are_seen_with_its_output() -> None:
    stuck = seen_at(changed(healthy_record(), {"probe_loss": 2.3}, outcome=failed()), "0.linear")
    inside = tuple(WeightInfo(f"0.linear.{k}", (32, 32)) for k in range(11))
    assert diagnose(replace(stuck, weights=inside)).primary == "slow_convergence"


def test_frozen_weights_and_the_readout_need_not_be_seen() -> None:
    stuck = seen_at(changed(healthy_record(), {"probe_loss": 2.3}, outcome=failed()))
    frozen = tuple(WeightInfo(f"frozen.{k}", (32, 32), trainable=False) for k in range(10))
    assert (
        diagnose(replace(stuck, weights=(*frozen, WeightInfo("head", (10, 32), readout=True)))).primary
        == "slow_convergence"
    )


def test_sites_that_another_program_names_otherwise_count_as_one_layer_each() -> None:
    stuck = changed(healthy_record(), {"probe_loss": 2.3}, outcome=failed())
    renamed = tuple(replace(site, name=f"h{index}") for index, site in enumerate(stuck.sites))
    assert diagnose(replace(stuck, sites=renamed)).primary == "slow_convergence"


def test_embeddings_need_not_be_seen_since_rows_of_them_are_looked_up() -> None:
    stuck = seen_at(changed(healthy_record(), {"probe_loss": 2.3}, outcome=failed()))
    tables = tuple(WeightInfo(f"table.{k}", (500, 16), module="Embedding") for k in range(11))
    assert diagnose(replace(stuck, weights=tables)).primary == "slow_convergence"
    assert diagnose(replace(stuck, weights=tuple(replace(each, module="Linear") for each in tables))).primary == (
        "insufficient_evidence"
    )


def test_a_loss_with_a_floor_that_nobody_knows_may_have_come_down_to_it() -> None:
    own = but(but(CLASSIFIER, "loss", takes="unknown"), "loss", name="PoissonNLLLoss")
    for ratio, primary in ((0.6, "insufficient_evidence"), (0.99, "slow_convergence"), (0.4, "healthy")):
        ended = outcome(final_train_loss=2.3 * ratio, constant_loss=2.3)
        record = changed(healthy_record(), {"probe_loss": 2.3 * ratio}, outcome=ended)
        assert diagnose(seen(own, record=record)).primary == primary
    assert (
        "PoissonNLLLoss can fall"
        in diagnose(seen(own, outcome=outcome(final_train_loss=1.4, constant_loss=2.3))).findings[0].summary
    )


@pytest.mark.parametrize(("ratio", "primary"), [(0.95, "insufficient_evidence"), (0.96, "slow_convergence")])
def test_a_loss_with_such_a_floor_came_down_if_it_left_at_most_95_percent(ratio, primary) -> None:
    own = but(but(CLASSIFIER, "loss", takes="unknown"), "loss", name="PoissonNLLLoss")
    ended = outcome(final_train_loss=2.3 * ratio, constant_loss=2.3)
    record = changed(healthy_record(), {"probe_loss": 2.3 * ratio}, outcome=ended)
    assert diagnose(seen(own, record=record)).primary == primary


@pytest.mark.parametrize(("layers", "told"), [(4, True), (5, False)])
def test_what_was_seen_is_evidence_where_it_is_less_than_half(layers, told) -> None:
    running = seen_at(replace(healthy_record(), outcome=None), *(f"{2 * k}.linear" for k in range(layers)))
    (finding,) = (each for each in diagnose(running).findings if each.condition == "insufficient_evidence")
    assert ("weights_seen" in {each.name for each in finding.evidence}) is told


@pytest.mark.parametrize(
    ("ratio", "a_step", "primary"),
    [
        (0.94, 0.011, "insufficient_evidence"),
        (0.97, 0.011, "slow_convergence"),  # nothing learned
        (0.94, 0.009, "slow_convergence"),  # steps may be lacking
        (0.48, 0.011, "healthy"),
    ],
)
def test_how_far_the_loss_of_a_language_model_can_fall_depends_on_the_text(ratio, a_step, primary) -> None:
    """An LSTM over words that was left at 77 %, and two transformers over letters at 57 and 67 %, were sound."""
    level = {"probe_loss": lambda steps: 2.3 * ratio + 0 * steps, "update_to_weight_ratio": a_step}
    record = changed(healthy_record(), level, outcome=failed(final_train_loss=2.3 * ratio))
    text = CLASSIFIER.model_copy(update={"inputs": None, "next_token": True})
    assert diagnose(seen(text, record=record)).primary == primary
    if primary == "insufficient_evidence":
        assert diagnose(seen(CLASSIFIER, record=record)).primary == "slow_convergence"


@pytest.mark.parametrize(
    ("norm", "primary"), [(0.1, "slow_convergence"), (6.0, "insufficient_evidence"), (18.0, "slow_convergence")]
)
def test_a_language_model_of_unusual_initial_weights_may_be_slow_for_them(norm, primary) -> None:
    """A norm of 6 is common in layers of 32 x 32."""
    level = {"probe_loss": 2.3 * 0.8, "update_to_weight_ratio": 0.011, "weight_norm_l2": norm}
    record = changed(healthy_record(), level, outcome=failed(final_train_loss=2.3 * 0.8))
    finding = diagnose(seen(CLASSIFIER.model_copy(update={"next_token": True}), record=record)).findings[0]
    assert finding.condition == primary
    assert (finding.blames[:1] == ("initialization",)) is (primary == "slow_convergence")


def test_a_language_model_whose_first_step_replaced_its_weights_may_be_slow_for_that() -> None:
    moves = {"update_to_weight_ratio": lambda steps: np.where(steps == 0, 9.8, 0.011)}
    record = changed(healthy_record(), {"probe_loss": 2.3 * 0.8, **moves}, outcome=failed(final_train_loss=2.3 * 0.8))
    finding = diagnose(seen(CLASSIFIER.model_copy(update={"next_token": True}), record=record)).findings[0]
    assert (finding.condition, finding.blames[0]) == ("slow_convergence", "learning_rate")
    assert "the first step changed a typical layer by 9.8 times its size" in finding.summary


WEAK = PairingFacts(samples=512, correlation=0.035, p_value=1e-5, amounts=True)


@pytest.mark.parametrize(
    ("pairing", "ratio", "a_step", "primary"),
    [
        (WEAK, 0.66, 0.0034, "insufficient_evidence"),
        (WEAK, 0.66, 0.0033, "slow_convergence"),  # steps may be lacking
        (WEAK, 0.91, 0.0034, "slow_convergence"),  # next to nothing learned
        (WEAK, 0.48, 0.0034, "healthy"),
        (WEAK.model_copy(update={"correlation": 0.081}), 0.66, 0.0034, "slow_convergence"),
        (WEAK.model_copy(update={"samples": 99}), 0.66, 0.0034, "slow_convergence"),
    ],
)
def test_what_is_left_of_targets_that_depend_weakly_on_the_inputs_may_be_noise(pairing, ratio, a_step, primary) -> None:
    """Of a regression and of clicks with a tenth to a third of explained variance, sound ones, at their floor."""
    level = {"probe_loss": lambda steps: 2.3 * ratio + 0 * steps, "update_to_weight_ratio": a_step}
    record = changed(healthy_record(), level, outcome=failed(final_train_loss=2.3 * ratio))
    diagnosis = diagnose(seen(CLASSIFIER.model_copy(update={"pairing": pairing}), record=record))
    assert diagnosis.primary == primary
    assert ("may be noise" in diagnosis.findings[0].summary) is (primary == "insufficient_evidence")


@pytest.mark.parametrize(("codes", "primary"), [(0, "insufficient_evidence"), (1, "slow_convergence")])
def test_targets_that_depend_on_categories_depend_weakly_on_their_numbers(codes, primary) -> None:
    level = {"probe_loss": lambda steps: 2.3 * 0.66 + 0 * steps, "update_to_weight_ratio": 0.0034}
    record = changed(healthy_record(), level, outcome=failed(final_train_loss=2.3 * 0.66))
    look = but(CLASSIFIER.model_copy(update={"pairing": WEAK}), "inputs", codes=codes)
    assert diagnose(seen(look, record=record)).primary == primary
