"""Whether outputs were reshaped where their axes must be swapped, by ways whose answer is known."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from gradclinic_torch.preflight.swapped_axes import are_swapped

IMAGES = torch.ones(4, 3, 5, 7, requires_grad=True)
"""[samples, classes, rows, columns]."""
WORDS = torch.ones(4, 6, 9, requires_grad=True)
"""[samples, places, classes]."""

TELLS_SHAPES = pytest.mark.skipif(
    not hasattr((2 * IMAGES).grad_fn, "_input_metadata"), reason="torch tells what shape a node made since 2.5"
)


def entropy(outputs: Tensor) -> Tensor:
    places = outputs.shape[:1] + outputs.shape[2:]
    return functional.cross_entropy(outputs, torch.zeros(places, dtype=torch.long))


@pytest.mark.parametrize(
    "outputs",
    [
        (2 * IMAGES).view(-1, 3),
        (2 * IMAGES).reshape(4, 35, 3),
        (2 * WORDS).reshape(4, 9, 6),
        pytest.param((2 * WORDS).reshape(4, 9, 6).clone(), marks=TELLS_SHAPES),
    ],
)
def test_a_view_that_gives_an_axis_the_place_of_another_mixes_them_up(outputs):
    assert are_swapped(outputs, entropy(outputs))


@pytest.mark.parametrize(
    "outputs",
    [
        (2 * IMAGES).permute(0, 2, 3, 1).reshape(-1, 3),
        (2 * IMAGES).flatten(2),
        2 * IMAGES,
        (2 * WORDS).view(-1, 9),
        (2 * WORDS).transpose(1, 2),
        (2 * WORDS).view(4, 54),
        (2 * WORDS).view(4, 6, 3, 3)[:, :, 0],
        (2 * torch.ones(4, 6, 12, requires_grad=True)).view(-1, 6),
        (2 * torch.ones(4, 6, 6, requires_grad=True)).view(-1, 6),
        2 * IMAGES[..., 0, 0],
    ],
)
def test_transposed_and_flattened_outputs_keep_their_axes(outputs):
    assert not are_swapped(outputs, entropy(outputs))


@TELLS_SHAPES
def test_a_view_within_the_loss_is_seen():
    outputs = 2 * IMAGES
    assert are_swapped(outputs, entropy(outputs.view(-1, 3)))
    assert not are_swapped(outputs, entropy(outputs.movedim(1, -1).reshape(-1, 3)))
