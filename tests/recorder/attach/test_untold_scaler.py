"""A gradient scaler that a program does not tell of is found by what it multiplies the loss by."""

import torch

from gradclinic_torch.attach.untold_scaler import scaler_behind


def at_work(scale: float) -> torch.amp.GradScaler:
    scaler = torch.amp.GradScaler("cpu", init_scale=scale)
    scaler.scale(torch.ones(()))
    return scaler


def test_the_one_scaler_with_this_scale_is_found() -> None:
    scaler = at_work(4096.0)
    assert scaler_behind(4096.0) is scaler
    assert scaler_behind(1024.0) is scaler  # of a loss that was divided by 4 passes
    assert scaler_behind(4096.0 / 3) is scaler


def test_a_factor_of_the_program_s_own_is_no_scaler_s() -> None:
    at_work_too = at_work(4096.0)
    assert scaler_behind(1000.0) is None
    assert scaler_behind(8192.0) is None
    assert scaler_behind(1.0) is None
    assert scaler_behind(0.25) is None
    assert at_work_too.is_enabled()


def test_a_scaler_that_is_not_at_work_or_not_alone_is_not_taken() -> None:
    idle, off = torch.amp.GradScaler("cpu", init_scale=64.0), torch.amp.GradScaler("cpu", enabled=False)
    assert scaler_behind(64.0) is None
    one, other = at_work(64.0), at_work(128.0)
    assert scaler_behind(64.0) is None
    assert len({id(each) for each in (idle, off, one, other)}) == 4
