"""Reshapes where a transpose was meant, and others."""

import pytest
import torch

from gradclinic_torch.preflight.reshapes import Reshapes

CLOUDS = torch.randn(6, 24, 3)


def made_by(function):
    with Reshapes() as seen:
        function(CLOUDS)
    return seen.shape


@pytest.mark.parametrize(
    "reshape",
    [
        lambda x: x.view(6, 3, 24),
        lambda x: x.reshape(len(x), 3, -1),
        lambda x: torch.reshape(x, (24, 6, 3)),
        lambda x: (x * 2).view(-1, 3, 24),
    ],
)
def test_a_reshape_that_only_orders_the_axes_anew_is_found(reshape):
    assert made_by(reshape) == tuple(reshape(CLOUDS).shape)


@pytest.mark.parametrize(
    "reshape",
    [
        lambda x: x.transpose(1, 2),
        lambda x: x.permute(0, 2, 1).reshape(6, -1),
        lambda x: x.reshape(6, 72),
        lambda x: x.reshape(6, 24, 3, 1).reshape(6, 24, 1, 3),
        lambda x: x.view(6, 8, 3, 3).transpose(1, 2),
        lambda x: x.view(6, 24, 3),
    ],
)
def test_transposes_flattening_and_axes_of_one_entry_are_none(reshape):
    assert made_by(reshape) == ()
