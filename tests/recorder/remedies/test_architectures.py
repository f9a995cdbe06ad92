"""Each remedy on networks as people train them: refused with a reason, or the same training as by its code."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from gradclinic.kernel.errors import RemedyDoesNotApply
from gradclinic.remedies import Remedy
from gradclinic.remedies.network import Network
from gradclinic.remedies.pool import pool
from gradclinic_torch.remedies import Loop, apply_all, in_loop
from gradclinic_torch.remedies.loop import code_between

from ..architectures import ARCHITECTURES, Architecture

pytest.importorskip("transformers", reason="the networks are those of transformers")
pytestmark = pytest.mark.slow

NETWORK = Network(recurrent=False, transformer=False, bounded=True, linear=False, depth=3)
ALL = {name: remedy for name, remedy in pool(NETWORK).items() if type(remedy) in in_loop.registry}
BUILDING = "# after the model and the optimizer are built"
REFUSED = {"set forget bias", "remove clipping", "change schedule (constant)"}
"""Remedies for which none of these programs has anything to change."""


def loop(architecture: Architecture, batches: list[Any]) -> Loop:
    torch.manual_seed(0)
    model = architecture.build().train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=architecture.rate)
    torch.manual_seed(1)
    return Loop(model=model, optimizer=optimizer, loss=loss_of, steps=len(batches), batch=batches[0])


def loss_of(model: nn.Module, batch: Any) -> Any:
    return model(**batch).loss


def losses(found: Loop, batches: list[Any]) -> Iterator[float]:
    torch.manual_seed(2)
    for batch in batches:
        found.optimizer.zero_grad()
        loss = found.loss_of(batch)
        loss.backward()
        found.optimizer.step()
        yield loss.item()


def pasted(code: str, found: Loop) -> Loop:
    parts = dict(part.split("\n", 1) for part in code.split("\n\n") if part)
    names: dict[str, Any] = {"model": found.model, "optimizer": found.optimizer, "torch": torch, "nn": nn}
    exec(parts.get(BUILDING, ""), names)
    return replace(found, optimizer=names["optimizer"])


def is_applied(remedy: Remedy, architecture: Architecture) -> bool:
    """Whether the remedy applies; fails if its code then trains in another way."""
    batches = list(architecture.samples(2))
    before = loop(architecture, batches)
    try:
        found = apply_all(loop(architecture, batches), [remedy])
    except RemedyDoesNotApply:
        return False
    code = code_between(before, replace(found, schedule=before.schedule))
    expected = list(losses(pasted(code, loop(architecture, batches)), batches))
    assert list(losses(found, batches)) == pytest.approx(expected, rel=1e-4, nan_ok=True), code
    return True


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_each_remedy_is_refused_or_does_what_its_code_does(name: str) -> None:
    applied = {words for words, remedy in ALL.items() if is_applied(remedy, ARCHITECTURES[name])}
    assert len(applied) >= len(ALL) // 2
    assert not applied & REFUSED
