"""A training step waits for its device only where it says so: at a look, and at a flush.

Tensors on the device `meta` have shapes and no values. So an operation that reads a value fails, and a copy between the
host and the device is seen. Each of those makes a GPU wait if it blocks.
"""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from gradclinic.experiments.experiment import Experiment
from gradclinic_workers.train import fit
from gradclinic_workers.train.reporter import Silent

ON_META = torch.device("meta")


def _caller() -> str:
    ours = [frame for frame in traceback.extract_stack() if "/gradclinic_" in frame.filename]
    return f"{ours[-1].filename.rpartition('/')[2]}: {ours[-1].line}" if ours else "a test"


class Copies(TorchDispatchMode):
    """The lines that copy between host and device, and wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.blocking: list[str] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        devices = {each.device for each in tree_leaves((args, kwargs, result)) if isinstance(each, Tensor)}
        if len(devices) > 1 and not kwargs.get("non_blocking", False):
            self.blocking.append(_caller())
        return result


class Made(TorchFunctionMode):
    """The lines that make a tensor on the device from numbers of the host, which a dispatch mode does not see."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        if function in (torch.tensor, torch.as_tensor) and result.device == ON_META:
            self.lines.append(_caller())
        return result


@contextmanager
def waits() -> Iterator[list[str]]:
    """Filled with the lines that wait for the device."""
    found: list[str] = []
    with Copies() as copies, Made() as made:
        yield found
    found += copies.blocking + made.lines


@pytest.fixture
def on_meta(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything with which a run on `meta` is like one on a GPU, but for torch's own optimizers, which refuse it."""
    monkeypatch.setitem(fit.CHECK_EVERY, "meta", 16)
    monkeypatch.setattr(fit, "build_optimizer", lambda _, parameters: torch.optim.SGD(parameters, lr=0.1, foreach=True))


MLP = {"kind": "mlp", "depth": 4, "width": 8}
OTHERS = [
    ({"kind": "cnn", "depth": 3, "channels": 4, "activation": "relu", "normalization": "batch_norm"}, "digits"),
    ({"kind": "rnn", "cell": "gru", "width": 8}, "digit_rows"),
    ({"kind": "transformer", "depth": 1, "width": 8, "heads": 2, "activation": "gelu"}, "digit_rows"),
]


def made(model, *, data="digits", clipping=None):
    return Experiment.model_validate(
        {
            "model": model,
            "data": {"kind": data},
            "optimizer": {"kind": "sgd", "learning_rate": 0.1},
            "clipping": clipping,
            "recording": {"dense_until": 4},
            "training": {"steps": 60, "batch_size": 16},
        }
    )


@pytest.mark.usefixtures("on_meta")
@pytest.mark.parametrize(
    "experiment",
    [
        made(MLP | {"activation": "relu"}),
        made(MLP | {"activation": "tanh"}, clipping={"kind": "norm", "max_norm": 1.0}),
        made(MLP | {"activation": "gelu"}, clipping={"kind": "value", "max_value": 0.1}),
        *(made(model, data=data) for model, data in OTHERS),
    ],
    ids=lambda experiment: f"{experiment.model.kind} {experiment.model.to_json().get('activation')}",
)
def test_a_recorded_step_never_waits(experiment):
    training = fit.Fit(experiment, device="meta", reporter=Silent(), record=True)
    training.one_step()  # what is sent to the device once, is sent here
    with waits() as found:
        while training.progress.step < 15:
            training.one_step()
    assert found == []
    assert training.recorder.plan.full(2)
    assert training.recorder.pending


@pytest.mark.usefixtures("on_meta")
def test_a_wait_is_seen():
    with waits() as found:
        torch.zeros(2).to(ON_META)
        torch.zeros(2).to(ON_META, non_blocking=True)
        torch.tensor([1.0], device=ON_META)
        with pytest.raises(RuntimeError):
            torch.zeros(2, device=ON_META).sum().item()
    assert len(found) == 2
