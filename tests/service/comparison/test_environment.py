from dataclasses import replace

import pytest

from gradclinic.comparison import compare, notes_on

from .runs import arm

CPU = {"device": "cpu", "device_name": "CPU", "torch": "2.13.0", "numpy": "2.4.1"}
GPU = {**CPU, "device": "cuda", "device_name": "NVIDIA H200", "cuda": "13.0"}


def trained_on(runs, environment):
    return [replace(each, environment=environment) for each in runs]


BASELINE, REMEDY = arm("baseline", [2.301, 2.303, 2.302]), arm("relu", [0.31, 0.32, 0.30])


def test_arms_on_different_devices_are_compared_with_a_note_and_without_their_costs():
    found = compare([*trained_on(BASELINE, CPU), *trained_on(REMEDY, GPU)])
    (note,) = found.notes
    assert note == (
        "Runs were trained on different devices (CPU in 3, NVIDIA H200 in 3). These round differently, which may cause "
        "small effects. Their times and memory are not compared."
    )
    (relu,) = found.arms
    assert relu.verdict == "improves"
    assert relu.cost.train_seconds_ratio is None
    assert relu.cost.memory_ratio is None


def test_steps_of_runs_that_were_trained_together_are_compared_as_they_take_alone():
    def lanes(runs, seconds):
        return [
            replace(each, metrics=replace(each.metrics, alone_step_seconds=seconds, steps_done=200)) for each in runs
        ]

    found = compare([*lanes(BASELINE, 0.002), *lanes(REMEDY, 0.003)])
    assert found.arms[0].cost.train_seconds_ratio == pytest.approx(1.5)
    alone = [replace(each, metrics=replace(each.metrics, train_seconds=0.6, steps_done=200)) for each in REMEDY]
    found = compare([*lanes(BASELINE, 0.002), *alone])
    assert found.arms[0].cost.train_seconds_ratio == pytest.approx(1.5)


def test_arms_whose_sites_are_in_other_precisions_are_told_apart():
    half = {**CPU, "site_dtypes": "bfloat16 and float32"}
    found = compare([*trained_on(BASELINE, CPU | {"site_dtypes": "float32"}), *trained_on(REMEDY, half)])
    assert found.notes[0].startswith(
        "Runs were trained with activations in different precisions (bfloat16 and float32 in"
    )
    assert found.arms[0].cost.train_seconds_ratio is not None


def test_pairs_on_one_device_keep_their_costs_whatever_device_other_seeds_had():
    runs = [
        replace(each, environment=GPU if each.seed == 2 and each.arm == "relu" else CPU)
        for each in (*BASELINE, *REMEDY)
    ]
    found = compare(runs)
    assert "CPU in 5, NVIDIA H200 in 1" in found.notes[0]
    assert found.arms[0].cost.train_seconds_ratio == 1.0


@pytest.mark.parametrize(
    ("fact", "said"), [("torch", "different versions of torch"), ("numpy", "different versions of numpy")]
)
def test_each_version_that_differs_is_named_with_its_runs(fact, said):
    runs = [*trained_on(BASELINE, CPU), *trained_on(REMEDY, {**CPU, fact: "1.0"})]
    (note,) = notes_on(runs)
    assert said in note
    assert f"(1.0 in 3, {CPU[fact]} in 3)" in note
    assert "times" not in note
    assert compare(runs).arms[0].cost.train_seconds_ratio == 1.0


@pytest.mark.parametrize("other", [None, {}, CPU, {"device": "cpu", "torch": "2.13.0"}])
def test_runs_that_are_alike_or_do_not_state_their_environment_need_no_note(other):
    found = compare([*trained_on(BASELINE, CPU), *trained_on(REMEDY, other)])
    assert found.notes == ()
    assert found.arms[0].cost.train_seconds_ratio == 1.0


def test_a_run_without_a_result_is_not_counted():
    lost = [replace(each, environment=GPU, status="failed", metrics=None) for each in REMEDY]
    assert notes_on([*trained_on(BASELINE, CPU), *lost]) == ()
