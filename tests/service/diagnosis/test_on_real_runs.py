"""Trained networks: the labelled cases, planted faults, and oddities that must not crash a diagnosis."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from benchmarks.diagnosis.borderline import PLANTED, borderline
from benchmarks.diagnosis.cases import Case, corpus
from benchmarks.diagnosis.generate import FAMILIES, fresh
from benchmarks.diagnosis.measure import alarms_by_condition, confusion, false_alarms, judged, right
from benchmarks.diagnosis.report import figures
from benchmarks.diagnosis.sound import SOUND, sound

from gradclinic.diagnosis import RULE_SETS, diagnose
from gradclinic.diagnosis.confidence import wilson
from gradclinic.experiments.experiment import Experiment
from gradclinic.measurements.metrics import metrics_of
from gradclinic_workers.train.fit import train

torch.set_num_threads(1)
QUICK = (
    "sigmoid_mlp_12",
    "relu_gain_2_4",
    "relu_bias_minus_3",
    "sigmoid_bias_9",
    "relu_learning_rate_1e_5",
    "relu_mlp_4",
)


def experiment(
    model: dict[str, Any], *, steps: int = 60, batch_size: int = 32, rate: float = 0.05, **data: Any
) -> Experiment:
    return Experiment.model_validate(
        {
            "model": model,
            "data": data or {"kind": "digits"},
            "optimizer": {"kind": "sgd", "learning_rate": rate},
            "training": {"steps": steps, "batch_size": batch_size},
        }
    )


@pytest.mark.parametrize("case", [case for case in corpus() if case.name in QUICK], ids=lambda case: case.name)
def test_quick_labelled_cases_are_called_by_their_name(case: Case) -> None:
    assert case.accepts(diagnose(train(case.experiment), experiment=case.experiment).primary)


@pytest.mark.slow
@pytest.mark.parametrize("case", corpus(), ids=lambda case: case.name)
def test_every_labelled_case_is_right_for_each_of_its_seeds(case: Case) -> None:
    called = {seed: diagnose(train(case.experiment.with_seed(seed))).primary for seed in case.seeds}
    assert {seed: condition for seed, condition in called.items() if not case.accepts(condition)} == {}


@pytest.mark.slow
def test_fresh_experiments_are_called_right_at_least_95_times_in_100_and_well_ahead_of_the_peers() -> None:
    rows = [judged(case, case.seeds[0], train(case.experiment.with_seed(case.seeds[0]))) for case in fresh(58, seed=11)]
    ours = right(rows, rule_set="1")
    assert ours >= 0.95 * len(rows)
    assert false_alarms(rows, rule_set="1")[0] == 0
    for peer in ("autotrainer", "sagemaker"):
        assert ours - right(rows, rule_set=peer) > 0.15 * len(rows)


@pytest.mark.slow
def test_healthy_networks_of_every_kind_raise_no_alarm() -> None:
    cases = sound(len(SOUND), seed=23)
    rows = [judged(case, case.seeds[0], train(case.experiment.with_seed(case.seeds[0]))) for case in cases]
    assert {row.case.name: row.summary for row in rows if row.primary["1"] != "healthy"} == {}


@pytest.mark.slow
def test_a_fault_planted_in_one_layer_is_named_within_one_layer() -> None:
    planted = [case for case in borderline(54, seed=5) if case.culprit is not None]
    rows = [judged(case, case.seeds[0], train(case.experiment.with_seed(case.seeds[0]))) for case in planted]
    assert len(rows) == 24
    assert [row.case.name for row in rows if row.culprit_error is None or row.culprit_error > 1] == []


def test_one_dead_layer_among_sound_ones_is_named() -> None:
    case = borderline(len(PLANTED), seed=0)[0]
    row = judged(case, 0, train(case.experiment))
    assert row.primary["1"] == "dead_units"
    assert row.culprit_error == 0
    assert row.detected_at == 20


def frozen(*, first: bool) -> dict[str, Any]:
    layers: list[dict[str, Any]] = []
    for index in range(4):
        trainable = not (first and index == 0)
        layers.append({"kind": "linear", "out_features": 32, "trainable": trainable})
        layers.append({"kind": "activation", "activation": "relu"})
    layers.append({"kind": "linear", "out_features": 10})
    return {"kind": "layers", "layers": layers, "initialization": {"scheme": "kaiming_normal"}}


def mlp(depth: int, activation: str = "relu", **knobs: Any) -> dict[str, Any]:
    return {"kind": "mlp", "depth": depth, "width": 8, "activation": activation, **knobs}


FROM_1E30 = {"scheme": "normal", "std": 1e30}
ODD: dict[str, tuple[Experiment, str | None]] = {
    "frozen first layer": (experiment(frozen(first=True), steps=120), None),
    "readout only": (experiment({"kind": "layers", "layers": [{"kind": "linear", "out_features": 10}]}), "healthy"),
    "one layer": (experiment(mlp(1)), None),
    "one unit, one sample": (experiment({**mlp(4), "width": 1}, batch_size=1), None),
    "one step": (experiment(mlp(3, "tanh"), steps=1), "too_short"),
    "weights of zero, which have no size": (
        experiment(mlp(4, skip={"scale": 1.0}, initialization={"scheme": "normal", "zero_last_in_residual": True})),
        None,
    ),
    "a first layer without gradient": (
        experiment(mlp(3, initialization={"scheme": "normal", "bias": -50.0})),
        "dead_units",
    ),
    "fewer samples than a batch": (experiment(mlp(2), batch_size=256, kind="wine"), None),
    "shared weights, two steps": (
        experiment({"kind": "rnn", "cell": "rnn", "width": 8}, kind="first_token", length=2),
        None,
    ),
    "absurd rate": (experiment(mlp(4), rate=1e30), "divergence"),
    "absurd inputs": (experiment(mlp(4), kind="digits", standardize=False, scale=1e6), "unscaled_inputs"),
    "overflows at step 0": (experiment(mlp(6, initialization=FROM_1E30)), "exploding_gradients"),
    "overflows at step 0 over time": (
        experiment({"kind": "rnn", "width": 8, "activation": "relu", "initialization": FROM_1E30}, kind="digit_rows"),
        "exploding_gradients",
    ),
    "too large at step 0 in one layer": (experiment(mlp(1, initialization=FROM_1E30)), "divergence"),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_networks_get_a_diagnosis_in_words_and_no_crash(name: str) -> None:
    odd, expected = ODD[name]
    record = train(odd)
    diagnosis = diagnose(record, experiment=odd)
    assert diagnosis.findings[0].condition == diagnosis.primary
    assert expected in (None, diagnosis.primary)
    assert not {"nan", "none", "-inf"} & {
        word.strip(".,;()%") for word in diagnosis.findings[0].summary.lower().split()
    }
    assert metrics_of(record).depth_slope is None or len(record.sites) > 1
    for rule_set in RULE_SETS:
        assert diagnose(record, rule_set=rule_set).findings


def test_a_network_that_is_beyond_all_measure_before_its_first_step_is_not_blamed_on_the_steps() -> None:
    inputs, finding = diagnose(train(ODD["absurd inputs"][0])).findings[:2]
    assert (inputs.condition, finding.condition) == ("unscaled_inputs", "divergence")
    assert "so make the initial weights or the inputs smaller, too" in finding.summary
    assert "relative_initial_loss" in {evidence.name for evidence in finding.evidence}
    assert "The steps were too large" in diagnose(train(experiment(mlp(1), rate=1e30))).findings[0].summary


def test_a_network_that_overflows_before_its_first_step_exploded_at_step_0() -> None:
    finding = diagnose(train(ODD["overflows at step 0"][0])).findings[0]
    assert finding.first_step == 0
    assert finding.summary.startswith("Activations or gradients overflow")


def test_the_same_seed_draws_the_same_experiments_and_every_family_in_turn() -> None:
    first, again, other = fresh(29, seed=1), fresh(29, seed=1), fresh(29, seed=2)
    assert first == again
    assert [case.experiment for case in first] != [case.experiment for case in other]
    assert [case.expected for case in first] == [expected for _, expected, _ in FAMILIES]


def test_healthy_experiments_are_drawn_from_every_preset_optimizer_schedule_and_precision() -> None:
    drawn = [case.experiment for case in sound(20 * len(SOUND), seed=1)]
    assert drawn == [case.experiment for case in sound(20 * len(SOUND), seed=1)]
    assert {each.model.kind for each in drawn} == {"mlp", "cnn", "rnn", "transformer", "layers"}
    assert {each.optimizer.kind for each in drawn} == {"sgd", "adam", "adamw", "rmsprop", "adagrad"}
    assert len({each.schedule.kind for each in drawn}) == 5
    assert {each.training.precision for each in drawn} == {"float32", "bfloat16", "float16"}
    assert len({each.data.kind for each in drawn}) >= 11


def test_alarms_are_told_apart_from_findings_beside_a_healthy_diagnosis() -> None:
    case = sound(1, seed=0)[0]
    calm = judged(case, 0, train(experiment({"kind": "mlp", "depth": 3, "width": 16, "activation": "relu"}, steps=30)))
    found = (("healthy", "info"), ("vanishing_gradients", "warning"))
    rows = [replace(calm, findings=found), replace(calm, findings=(("dead_units", "critical"),))]
    assert alarms_by_condition(rows) == {("dead_units", "critical"): (1, 0), ("vanishing_gradients", "warning"): (0, 1)}


def test_the_wilson_interval_is_the_textbooks() -> None:
    low, high = wilson(52, 56)
    assert (round(low, 3), round(high, 3)) == (0.830, 0.972)
    assert wilson(0, 0) == (0.0, 1.0)


def test_figures_of_a_benchmark_are_rows_with_value_unit_and_noise() -> None:
    case = next(case for case in corpus() if case.name == "relu_bias_minus_3")
    rows = [judged(case, 0, train(case.experiment))]
    assert confusion(rows, rule_set="1") == {("dead_units", "dead_units"): 1}
    accuracy = figures("one", rows)[0]
    assert set(accuracy) == {"benchmark", "subject", "configuration", "value", "unit", "noise"}
    assert accuracy["value"] == 1.0
