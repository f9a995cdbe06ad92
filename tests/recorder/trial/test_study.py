"""Studies of one's own model, trained in this process and stored in a real service."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gradclinic import Clinic
from gradclinic.client.study import Study
from gradclinic.experiments.clipping.norm import NormClipping
from gradclinic.kernel.errors import Conflict, InvalidRequest, InvalidSpec, RemedyDoesNotApply, ServiceUnavailable
from gradclinic.remedies.lower_learning_rate import LowerLearningRate
from gradclinic.settings import Settings
from gradclinic_torch import study

from ...service.api.keyed import keyed
from ...service.api.serving import NOBODY, serving
from ...waiting import eventually
from ..loops import digits, mlp

ROOT = Path(__file__).parents[3]
STEPS = 25
LOWER = {"lower": [LowerLearningRate(factor=0.001)]}


@pytest.fixture
def settings(sqlite_url: str, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, database_url=sqlite_url, broker_url=NOBODY)


@pytest.fixture
def clinic(settings: Settings) -> Iterator[Clinic]:
    with serving(settings) as api, Clinic(str(api.base_url)) as client:
        yield client


def build() -> tuple[nn.Module, torch.optim.Optimizer, nn.Module]:
    """A small network whose rate is much too large."""
    model = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))
    return model, torch.optim.SGD(model.parameters(), lr=100.0), nn.CrossEntropyLoss()


def batches(seed: int) -> list[tuple[Tensor, Tensor]]:
    return digits(steps=STEPS, batch_size=32, seed=seed)


def tried(clinic: Clinic, arms: Any = LOWER, **options: Any) -> Study:
    chosen = {"seeds": [0, 1], "progress": False, **options}
    return study(clinic, chosen.pop("build", build), chosen.pop("batches", batches), arms, **chosen)


def losses(found: Study, arm: str) -> dict[int, list[float]]:
    series = {run.answer.seed: run.statistics("train_loss") for run in found.runs() if run.answer.arm == arm}
    return {seed: [row[0] for row in each["train_loss"].values] for seed, each in series.items()}


def test_its_arms_are_trained_here_and_compared_there(clinic: Clinic) -> None:
    found = tried(clinic, name="mine", labels={"team": "vision"})
    assert (found.status, found.answer.name, found.answer.labels) == ("succeeded", "mine", {"team": "vision"})
    assert {(run.answer.arm, run.answer.seed, run.answer.origin) for run in found.runs()} == {
        (arm, seed, "external") for arm in ("baseline", "lower") for seed in (0, 1)
    }
    comparison = found.comparison()
    assert (comparison.answer.complete, comparison.answer.metric) == (True, "final_train_loss")
    assert "no run has a validation loss" in comparison.answer.method
    lower = comparison["lower"]
    assert (lower.runs, lower.paired_by) == (2, "seed")
    assert lower.effects["final_train_loss"].difference < 0
    assert "lower" in str(comparison)
    assert found.answer.arms[1]["remedies"] == [{"kind": "lower_learning_rate", "factor": 0.001}]
    assert 'group["lr"] *= 0.001  # 100 -> 0.1' in found.answer.arms[1]["code"]
    assert "what to change in your program" in clinic.connection.text(f"/studies/{found.id}")


def test_an_arm_is_bit_for_bit_the_training_that_the_user_would_write(clinic: Clinic) -> None:
    found = tried(clinic, seeds=[3])
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))
    optimizer, expected = torch.optim.SGD(model.parameters(), lr=0.1), []
    for inputs, targets in batches(3):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
        expected.append(loss.item())
    assert losses(found, "lower")[3] == pytest.approx(expected, rel=1e-6)


def test_all_arms_start_from_the_same_weights_and_see_the_same_batches(clinic: Clinic) -> None:
    data = torch.utils.data.TensorDataset(*(torch.cat(part) for part in zip(*digits(steps=10), strict=True)))
    loader = torch.utils.data.DataLoader(data, batch_size=32, shuffle=True)
    found = tried(clinic, {"same": [{"kind": "set_learning_rate", "value": 1e-20}]}, batches=loader, seeds=[0, 1])
    at_start = [{seed: each[0] for seed, each in losses(found, arm).items()} for arm in ("baseline", "same")]
    assert at_start[0] == at_start[1]
    assert at_start[0][0] != at_start[0][1]


def test_what_the_program_draws_at_random_afterwards_is_as_it_would_have_been(clinic: Clinic) -> None:
    def drawn() -> tuple[Any, ...]:
        return random.random(), float(np.random.rand()), torch.rand(1).item()

    for generator in (random.seed, np.random.seed, torch.manual_seed):
        generator(5)
    expected = drawn()
    for generator in (random.seed, np.random.seed, torch.manual_seed):
        generator(5)
    tried(clinic, {}, seeds=[0])
    assert drawn() == expected


def test_what_succeeded_is_not_trained_again(clinic: Clinic) -> None:
    built: list[int] = []

    def interrupted() -> tuple[nn.Module, torch.optim.Optimizer, nn.Module]:
        built.append(1)
        if len(built) == 5:  # two to check the arms, then the third of four trainings
            raise KeyboardInterrupt
        return build()

    with pytest.raises(KeyboardInterrupt):
        tried(clinic, build=interrupted, key="once")
    (partial,) = clinic.studies()
    assert (partial.status, partial.answer.progress.by_status) == ("running", {"succeeded": 2, "queued": 2})
    before = {run.id for run in partial.runs()}
    found = tried(clinic, build=interrupted, key="once")
    assert (found.id, found.status) == (partial.id, "succeeded")
    assert len(built) == 5 + 2 + 2
    assert before < {run.id for run in found.runs()}
    assert found.answer.progress.by_status == {"succeeded": 4}


def test_a_training_that_was_interrupted_is_trained_again(clinic: Clinic) -> None:
    steps: list[int] = []

    def interrupted() -> Any:
        model, optimizer, criterion = build()

        def loss(model: nn.Module, batch: Any) -> Tensor:
            steps.append(1)
            if len(steps) == 6:
                raise KeyboardInterrupt
            return criterion(model(batch[0]), batch[1])

        return model, optimizer, loss

    options: dict[str, Any] = {"seeds": [0], "key": "once"}
    with pytest.raises(KeyboardInterrupt):
        tried(clinic, {}, build=interrupted, **options)
    (run,) = clinic.runs()
    assert (run.status, run.answer.progress.step) == ("failed", 5)
    found = tried(clinic, {}, **options)
    assert found.answer.progress.by_status == {"succeeded": 1}
    assert run.refresh().answer.study_id is None


KILLED = """
import os, signal, sys
from gradclinic import Clinic
from tests.recorder.trial.test_study import build, tried

built, called = [], []

def dies_in_the_second_training():
    model, optimizer, criterion = build()
    built.append(model)
    model.register_forward_hook(die)
    return model, optimizer, criterion

def die(model, *_):
    called.append(model)
    if len(built) == 4 and called.count(model) == 15:
        os.kill(os.getpid(), signal.SIGKILL)

tried(Clinic(sys.argv[1]), build=dies_in_the_second_training, seeds=[0], key="killed")
"""


@pytest.mark.slow
def test_a_program_that_was_killed_goes_on_where_it_was(clinic: Clinic) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, clinic.url], cwd=ROOT, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    (partial,) = clinic.studies()
    assert partial.answer.progress.by_status["succeeded"] == 1
    before = {run.id for run in partial.runs(status="succeeded")}
    found = tried(clinic, seeds=[0], key="killed")
    assert (found.id, found.answer.progress.by_status) == (partial.id, {"succeeded": 2})
    assert before < {run.id for run in found.runs()}


@pytest.mark.parametrize("begun", [True, False])
def test_cancelling_the_study_ends_its_training(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, *, begun: bool
) -> None:
    monkeypatch.setattr("gradclinic_torch.attach.observer.WINDOW_SECONDS", 0.0)
    losses: list[Tensor] = []

    def slow() -> Any:
        model, optimizer, criterion = build()

        def loss(model: nn.Module, batch: Any) -> Tensor:
            losses.append(criterion(model(batch[0]), batch[1]))
            if len(losses) == 3:
                if begun:
                    eventually(lambda: list(clinic.runs(status="running")))
                next(clinic.studies()).cancel()
            time.sleep(0.05 if len(losses) > 3 else 0.0)
            return losses[-1]

        return model, optimizer, loss

    found = tried(clinic, build=slow, seeds=[0, 1], steps=1000)
    assert found.status == "canceled"
    assert len(losses) < 500
    assert {run.status for run in found.runs()} <= {"canceled"}


def test_a_key_goes_on_with_the_same_study_only(clinic: Clinic) -> None:
    tried(clinic, {}, seeds=[0], steps=5, key="once")
    with pytest.raises(InvalidRequest, match="has 5 steps"):
        tried(clinic, {}, seeds=[0], steps=6, key="once")
    with pytest.raises(Conflict, match="different request"):
        tried(clinic, {}, seeds=[1], steps=5, key="once")


def test_an_arm_that_fails_or_diverges_is_stored_and_the_others_go_on(clinic: Clinic) -> None:
    trained: list[int] = []

    def fails_late() -> tuple[nn.Module, torch.optim.Optimizer, nn.Module]:
        trained.append(1)
        model, optimizer, loss = build()
        if len(trained) == 5:
            raise MemoryError("no room for the model")
        if len(trained) == 6:
            model[2].register_forward_pre_hook(_broken)  # type: ignore[index]
        return model, optimizer, loss

    arms = {"diverges": [{"kind": "set_learning_rate", "value": 1e25}], "other": LOWER["lower"]}
    found = tried(clinic, arms, build=fails_late, seeds=[0, 1], batches=lambda seed: batches(seed)[:8])
    runs = {(run.answer.arm, run.answer.seed): run for run in found.runs()}
    diverged = runs["diverges", 1].answer
    assert (diverged.status, diverged.reason.code) == ("succeeded", "non_finite")
    failed = [run.answer.reason.text for run in runs.values() if run.status == "failed"]
    assert sorted(failed) == [
        "its program failed: MemoryError: no room for the model",
        "its program failed: ValueError: broken",
    ]
    assert len(runs) == 6
    assert found.status == "succeeded"


def _broken(_: nn.Module, inputs: object) -> None:
    raise ValueError("broken")


def test_a_loss_function_takes_batches_of_any_form(clinic: Clinic) -> None:
    def of_dictionaries() -> Any:
        model, optimizer, criterion = build()
        return model, optimizer, lambda model, batch: criterion(model(batch["x"]), batch["y"])

    found = tried(
        clinic, LOWER, seeds=[0], build=of_dictionaries,
        batches=lambda seed: [{"x": inputs, "y": targets} for inputs, targets in batches(seed)],
        validation=[{"x": inputs, "y": targets} for inputs, targets in batches(9)], constant_loss=2.5,
    )  # fmt: skip
    assert "of the loss of always predicting the average" in next(found.runs()).diagnosis().findings[0].summary
    comparison = found.comparison()
    assert comparison.answer.metric == "final_validation_loss"
    assert comparison["lower"].effects["final_validation_loss"].difference < 0


def test_what_cannot_be_applied_is_refused_before_anything_is_trained(clinic: Clinic) -> None:
    arms = {"same": [{"kind": "set_learning_rate", "value": 100.0}], "rewritten": ["use_gated_cell"], **LOWER}
    with pytest.raises(RemedyDoesNotApply) as refused:
        tried(clinic, arms)
    first, second = refused.value.problems
    assert (first.pointer, first.message) == ("/arms/same/remedies/0", "the learning rate is already 100")
    assert second.pointer == "/arms/rewritten/remedies/0"
    assert list(clinic.studies()) == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"batches": iter(digits(steps=2))}, "only once"),
        ({"batches": []}, "no batches"),
        ({"batches": lambda seed: iter(batches(seed))}, "no length"),
        ({"seeds": []}, "no seeds"),
        ({"arms": {"x": ["magic"]}}, "/arms/x/remedies/0"),
    ],
)
def test_what_cannot_be_a_study_is_refused_with_what_is_allowed(
    clinic: Clinic, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidRequest, match=says):
        tried(clinic, options.pop("arms", LOWER), **options)
    assert list(clinic.studies()) == []


def test_a_service_that_goes_away_ends_it_with_an_error(settings: Settings) -> None:
    with serving(settings) as api:
        url = str(api.base_url)
    with Clinic(url) as client, pytest.raises(ServiceUnavailable):
        tried(client, {}, seeds=[0])


def test_the_key_of_the_client_goes_with_each_recording(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with keyed(settings) as service:
        monkeypatch.delenv("GRADCLINIC_API_KEY", raising=False)
        with Clinic(str(service.api.base_url), api_key=service.keys["run"]) as client:
            assert tried(client, {}, seeds=[0]).status == "succeeded"


def test_its_progress_is_shown(clinic: Clinic, capfd: pytest.CaptureFixture[str]) -> None:
    tried(clinic, LOWER, seeds=[0], progress=True)
    shown = capfd.readouterr().err
    assert "1/2  baseline, seed 0" in shown
    assert "2/2  lower, seed 0" in shown


@pytest.mark.slow
def test_several_remedies_are_ranked_by_what_they_do_to_the_network(clinic: Clinic) -> None:
    def vanishing() -> Any:
        model = mlp(depth=6)
        return model, torch.optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss()

    arms = {
        "batch norm": ["add_batch_norm"],
        "relu": ["swap_activation", {"kind": "set_initialization", "initialization": {"scheme": "kaiming_normal"}}],
        "clip": ["clip_gradients"],
    }
    found = tried(
        clinic, arms, build=vanishing, seeds=[0, 1, 2], batches=lambda seed: digits(steps=80, seed=seed)
    ).comparison()  # fmt: skip
    assert found.answer.baseline_conditions == {"vanishing_gradients": 3}
    assert [arm.arm for arm in found.arms][-1] == "clip"
    assert {found[arm].verdict for arm in ("batch norm", "relu")} <= {"cures", "improves"}


def test_the_baseline_alone_is_diagnosed(clinic: Clinic) -> None:
    def vanishing() -> Any:
        model = mlp(depth=6)
        return model, torch.optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss()

    found = tried(clinic, {}, build=vanishing, seeds=[0])
    assert found.comparison().answer.baseline_conditions == {"vanishing_gradients": 1}


def build_well() -> tuple[nn.Module, torch.optim.Optimizer, nn.Module]:
    model = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))
    return model, torch.optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss()


def by_hand(*, seed: int) -> list[float]:
    """The losses of the same training in float16, as torch's documentation writes it."""
    torch.manual_seed(seed)
    model, optimizer, criterion = build_well()
    torch.manual_seed(seed)
    scaler = torch.amp.GradScaler("cpu")
    found = []
    for inputs, targets in batches(seed):
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.float16):
            loss = criterion(model(inputs), targets)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        found.append(loss.item())
    return found


def test_in_float16_it_trains_with_a_gradient_scaler_as_by_hand_and_a_wider_precision_is_a_remedy(
    clinic: Clinic,
) -> None:
    arms = {"wider": [{"kind": "raise_precision", "precision": "bfloat16"}]}
    options = {"build": build_well, "seeds": [0], "clipping": NormClipping(max_norm=1.0), "validation": batches(9)}
    found = tried(clinic, arms, precision="float16", **options)
    assert found.status == "succeeded"
    expected = by_hand(seed=0)
    taken = losses(found, "baseline")[0]
    assert taken == pytest.approx(expected[-len(taken) :], rel=1e-6)
    norms = [run.statistics("grad_norm_l2")["grad_norm_l2"].values for run in found.runs()]
    assert all(0.01 < float(row[0]) < 100 for rows in norms for row in rows)
    assert "torch.bfloat16" in found.answer.arms[1]["code"]
    (wider,) = [run for run in found.runs() if run.answer.arm == "wider"]
    assert wider.answer.metrics.final_validation_accuracy > 0.3


def test_an_unknown_precision_is_refused(clinic: Clinic) -> None:
    with pytest.raises(InvalidSpec, match="bfloat16"):
        tried(clinic, precision="fp8")
