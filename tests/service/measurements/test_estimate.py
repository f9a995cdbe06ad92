from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradclinic.experiments.experiment import Experiment, RecordingPlan
from gradclinic.kernel.amounts import bytes_in_words
from gradclinic.kernel.errors import TooLarge
from gradclinic.measurements.estimate import Limits, check, estimate, recorded_steps
from gradclinic_torch.measure.recording_steps import RecordingSteps

from ..api.examples import experiment

GENEROUS = Limits(
    parameters=10**9,
    steps=10**6,
    memory_bytes=10**12,
    stored_bytes=10**12,
    runs_per_study=10,
    study_bytes=10**9,
    flops=10**18,
)


def made(**changes: object) -> Experiment:
    return Experiment.model_validate(experiment(**changes))


@given(
    steps=st.integers(1, 300), every=st.integers(1, 40), full_every=st.integers(1, 40), dense_until=st.integers(0, 60)
)
def test_recorded_steps_are_those_of_the_recorders_plan(
    steps: int, every: int, full_every: int, dense_until: int
) -> None:
    recording = RecordingPlan(every=every, full_every=full_every, dense_until=dense_until, adaptive=False)
    plan = RecordingSteps(recording, steps)
    basic = sum(plan.basic(step) for step in range(steps))
    full = sum(plan.full(step) for step in range(steps))
    assert recorded_steps(steps, recording) == (basic, full)


@given(
    losses=st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=300),
    every=st.integers(1, 40),
    look_every=st.sampled_from([1, 16]),
)
def test_an_adaptive_plan_never_records_more_than_estimated(losses: list[float], every: int, look_every: int) -> None:
    recording = RecordingPlan(every=every, full_every=10 * every)
    plan, basic, full = RecordingSteps(recording, len(losses), look_every=look_every), 0, 0
    for step, loss in enumerate(losses):
        basic, full = basic + plan.basic(step), full + plan.full(step)
        plan.saw(step, loss=loss, grad_norm=loss)
    most_basic, most_full = recorded_steps(len(losses), recording)
    assert basic <= most_basic
    assert full <= most_full


@pytest.mark.parametrize(
    "model",
    [
        {"kind": "mlp", "depth": 3, "width": 8, "activation": "relu"},
        {"kind": "mlp", "depth": 3, "width": 8, "activation": "tanh", "normalization": "batch_norm", "skip": {}},
        {"kind": "cnn", "depth": 2, "channels": 4, "activation": "relu"},
    ],
)
def test_parameters_are_those_of_the_built_network(model: dict) -> None:
    from gradclinic.experiments.lowering import lower
    from gradclinic_workers.train.build import build

    posted = {**experiment(), "model": model}
    parsed = Experiment.model_validate(posted)
    built = build(lower(parsed).nodes)
    assert estimate(parsed).parameters == sum(parameter.numel() for parameter in built.parameters())


def test_operations_are_those_that_torch_counts() -> None:
    from torch.utils.flop_counter import FlopCounterMode

    found = made(model={"activation": "relu", "depth": 4, "width": 64})
    layers: list[torch.nn.Module] = [torch.nn.Linear(64, 64)]
    for _ in range(3):
        layers += [torch.nn.ReLU(), torch.nn.Linear(64, 64)]
    network = torch.nn.Sequential(*layers, torch.nn.ReLU(), torch.nn.Linear(64, 10))
    inputs = torch.zeros(32, 64)
    with FlopCounterMode(display=False) as counter:
        network(inputs).sum().backward()
    # torch counts products only, and spares the gradient of the inputs: that of the first layer's.
    assert estimate(found).flops_per_step == pytest.approx(counter.get_total_flops(), rel=0.15)


@pytest.mark.parametrize(("device", "copies"), [("cpu", 1), ("auto", 2), ("cuda", 2)])
def test_an_optimizer_with_state_needs_more_memory_and_where_a_gpu_may_train_a_copy_of_it(
    device: str, copies: int
) -> None:
    plain, adaptive = (
        made(optimizer={"kind": kind, "learning_rate": 0.1}, model={"width": 512}, training={"device": device})
        for kind in ("sgd", "adam")
    )
    extra = estimate(adaptive).memory_bytes - estimate(plain).memory_bytes
    assert extra == copies * 2 * 4 * estimate(plain).parameters


def test_the_weights_gradients_and_what_the_recorder_copies_are_counted() -> None:
    """A network of 4 million weights, whose data and activations are small beside them."""
    found = estimate(made(model={"width": 1000, "depth": 5}, training={"device": "cpu", "batch_size": 2}))
    weights = 4 * found.parameters
    assert found.parameters > 4e6
    assert (1 + 1 + 3) * weights < found.memory_bytes < 6 * weights


def test_every_limit_is_named_at_its_own_place() -> None:
    found = made(model={"width": 600}, training={"steps": 5000})
    tight = Limits(
        parameters=10, steps=10, memory_bytes=10, stored_bytes=10, runs_per_study=1, study_bytes=10, flops=10
    )
    with pytest.raises(TooLarge) as caught:
        check(found, estimate(found), tight)
    assert [problem.pointer for problem in caught.value.problems] == [
        "/model",
        "/training/steps",
        "/recording/every",
    ]
    check(found, estimate(found), GENEROUS)


@pytest.mark.parametrize(
    ("device", "host", "gpu", "refused"),
    [
        ("cpu", 0.5, 2, True),
        ("cpu", 2, 0.5, False),
        ("auto", 0.5, 2, True),  # it may train on a CPU
        ("cuda", 0.5, 2, False),
        ("cuda", 2, 0.5, True),
        ("cuda", 0.5, 0, False),  # its worker knows how much it has
    ],
)
def test_memory_is_limited_where_a_run_trains(device: str, host: float, gpu: float, refused: bool) -> None:
    found = made(training={"device": device})
    needed = estimate(found).memory_bytes
    limits = replace(GENEROUS, memory_bytes=int(host * needed), device_bytes=int(gpu * needed))
    with pytest.raises(TooLarge, match="of memory") if refused else nullcontext():
        check(found, estimate(found), limits)


def test_a_training_that_would_take_years_is_refused_with_the_steps_that_would_fit() -> None:
    found = made(training={"steps": 5000})
    of_a_step = estimate(found).flops_per_step
    with pytest.raises(TooLarge) as caught:
        check(found, estimate(found), Limits(**{**vars(GENEROUS), "flops": 4000 * of_a_step}))
    (problem,) = caught.value.problems
    assert (problem.pointer, problem.value) == ("/training/steps", 5000)
    assert "4,000 steps would fit" in str(problem.allowed)
    check(found, estimate(found), Limits(**{**vars(GENEROUS), "flops": 5000 * of_a_step}))
    with pytest.raises(TooLarge) as caught:
        check(found, estimate(found), Limits(**{**vars(GENEROUS), "flops": of_a_step - 1}))
    assert "not one step fits" in str(caught.value.problems[0].allowed)


@pytest.mark.parametrize(("share", "adaptive"), [(2, True), (40, False)])
def test_the_recording_that_is_suggested_does_fit(share: int, adaptive: bool) -> None:
    found = made(training={"steps": 5000})
    tight = Limits(**{**vars(GENEROUS), "stored_bytes": estimate(found).stored_bytes // share})
    with pytest.raises(TooLarge) as caught:
        check(found, estimate(found), tight)
    words = caught.value.problems[0].allowed or ""
    every, full_every = (
        int(words.split(f"{part} every ")[1].split()[0].replace(",", "")) for part in ("record", "statistics")
    )
    assert ("with adaptive false" in words) is not adaptive
    recording = {"every": every, "full_every": full_every, "adaptive": adaptive}
    sparser = made(training={"steps": 5000}, recording=recording)
    check(sparser, estimate(sparser), tight)


def test_bytes_are_told_in_the_unit_that_a_person_would_choose() -> None:
    assert [bytes_in_words(count) for count in (12, 1500, 2_500_000, 8 * 10**9)] == [
        "12 bytes",
        "1.5 kB",
        "2.5 MB",
        "8.0 GB",
    ]
