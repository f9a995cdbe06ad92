"""A cure of one's own model is found in this process, and its evidence is a study of a real service."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from gradclinic import Clinic
from gradclinic.settings import Settings
from gradclinic_torch import prescribe

from ...service.api.serving import NOBODY, serving
from ..loops import digits, mlp


@pytest.fixture
def clinic(sqlite_url: str, tmp_path: Path) -> Iterator[Clinic]:
    settings = Settings(data_dir=tmp_path, database_url=sqlite_url, broker_url=NOBODY)
    with serving(settings) as api, Clinic(str(api.base_url)) as client:
        yield client


def vanishing() -> Any:
    model = mlp(depth=6)
    return model, torch.optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss()


def batches(seed: int) -> Any:
    return digits(steps=80, seed=seed)


@pytest.mark.slow
def test_a_suggested_remedy_that_cures_the_model_is_confirmed_on_all_seeds(clinic: Clinic) -> None:
    found = prescribe(clinic, vanishing, batches, seeds=range(3), key="mine", name="mine", progress=False)
    assert found.diagnosis.primary == "vanishing_gradients"
    assert found.cure is not None
    assert found.study is not None
    assert found.cure.code.startswith("# after the model and the optimizer are built")
    assert found.study.comparison()[found.cure.arm].verdict == "cures"
    assert found.study.status == "succeeded"
    assert found.study.answer.name == "mine"
    tried = {(run.answer.arm, run.answer.seed) for run in found.study.runs()}
    assert {(arm, seed) for arm in ("baseline", found.cure.arm) for seed in range(3)} <= tried
    again = prescribe(clinic, vanishing, batches, seeds=range(3), key="mine", name="mine", progress=False)
    assert again.cure == found.cure
    assert {(run.answer.arm, run.answer.seed) for run in found.study.runs()} == tried


def test_what_cannot_be_applied_is_told_with_its_reason(clinic: Clinic) -> None:
    found = prescribe(clinic, vanishing, batches, seeds=[0], most=1, progress=False)
    assert found.study is not None
    assert len(found.study.answer.arms) == 2
    everything = prescribe(clinic, vanishing, batches, seeds=[0], most=0, progress=False)
    assert (everything.study, everything.cure) == (None, None)
    skips = [why for name, why in everything.refused.items() if "skip connections" in name]
    assert skips
    assert "cannot be applied to a program's own model" in skips[0]


def test_nothing_is_tried_on_a_model_that_learns(clinic: Clinic) -> None:
    def healthy() -> Any:
        model = mlp(depth=1, act=nn.Tanh)
        return model, torch.optim.Adam(model.parameters(), lr=0.01), nn.CrossEntropyLoss()

    found = prescribe(clinic, healthy, lambda seed: digits(steps=150, seed=seed), seeds=[0], progress=False)
    assert (found.diagnosis.primary, found.study, found.cure) == ("healthy", None, None)
    assert list(clinic.studies()) == []
