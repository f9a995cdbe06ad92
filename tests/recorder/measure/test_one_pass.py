from inspect import getmembers

import pytest
from numba.core.dispatcher import Dispatcher

from gradclinic_torch.measure import one_pass
from gradclinic_workers.train.fit import train

from ...workers.specs import mlp


def machine_code() -> dict[str, int]:
    """How many versions of each loop there are: one for each combination of types that it was called with."""
    return {
        name: len(loop.signatures)
        for name, loop in getmembers(one_pass.loops(), lambda each: isinstance(each, Dispatcher))
    }


def test_after_loading_a_recorded_training_compiles_nothing() -> None:
    one_pass.load()
    before = machine_code()
    train(mlp(steps=3, activation="relu", recording={"every": 1, "full_every": 1}))
    assert min(before.values()) >= 1
    assert machine_code() == before


def test_without_numba_there_is_nothing_to_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_pass, "loops", lambda: None)
    one_pass.load()
    assert one_pass.kernels_on("cpu") == "torch"
