"""What looks beside a recording, and when it looks no more."""

import logging

import pytest
import torch
from torch import nn

from gradclinic_torch import Recording
from gradclinic_torch.preflight.side_look import SideLook

INPUTS = torch.randn(512, 8, generator=torch.Generator().manual_seed(0))


def looks_on(*last: nn.Module, steps: int) -> bool:
    """Whether the first batches are still looked at after so many steps."""
    torch.manual_seed(0)
    model, criterion = nn.Sequential(nn.Linear(8, 4), *last), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Recording(model, optimizer, criterion) as recording:
        for _ in range(steps):
            optimizer.zero_grad()
            loss = criterion(model(INPUTS), torch.randint(4, (512,)))
            loss.backward()
            recording.after_backward(loss)
            optimizer.step()
        on = not recording._hooks._first_look.rests
    assert recording.record.preflight is not None
    return on


def test_one_that_rests_sees_nothing_and_still_tells_what_it_saw():
    seen: list[str] = []
    look = SideLook(seen, loses="nothing")
    look.do(lambda seen: seen.append("first"))
    look.rest()
    look.do(lambda seen: seen.append("second"))
    told: list[list[str]] = []
    look.ask(lambda seen: told.append(list(seen)))
    assert told == [["first"]]


def test_one_that_failed_is_asked_nothing_more(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.CRITICAL)
    look = SideLook([0], loses="nothing")
    look.do(lambda seen: seen.remove(1))
    told: list[int] = []
    look.ask(lambda seen: told.append(1))
    assert look.rests
    assert not told


def test_it_rests_after_the_first_batches_except_where_outputs_may_die_later():
    assert looks_on(steps=8)
    assert not looks_on(steps=10)
    assert looks_on(nn.ReLU(), steps=10)
