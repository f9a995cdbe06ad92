"""Pictures that are turned in one of a few ways, with maps of bright spots as targets."""

import pytest
import torch
from torch import Tensor

from gradclinic_torch.preflight.turned_maps import TurnedMaps


def spots(count: int = 64) -> Tensor:
    """[count, 1, 12, 12]: ones in a square at a random place."""
    draw = torch.Generator().manual_seed(0)
    maps = torch.zeros(count, 1, 12, 12)
    for each in maps:
        row, column = torch.randint(9, (2,), generator=draw).tolist()
        each[:, row : row + 3, column : column + 3] = 1
    return maps


def turned(pictures: Tensor, maps: Tensor) -> str | None:
    found = TurnedMaps()
    for rows in torch.arange(len(maps)).split(16):
        found.add(pictures[rows], maps[rows])
    return found.turned()


def seen(maps: Tensor) -> Tensor:
    noise = torch.randn(len(maps), 3, 12, 12, generator=torch.Generator().manual_seed(1))
    return noise + torch.tensor([1.0, -2.0, 0.0])[:, None, None] * maps


@pytest.mark.parametrize(
    ("turn", "name"),
    [
        (lambda x: x, None),
        (lambda x: x.flip(3), "mirrored"),
        (lambda x: x.flip(2), "upside down"),
        (lambda x: x.flip(2, 3), "turned by 180 degrees"),
        (lambda x: x.transpose(2, 3), "transposed"),
    ],
)
def test_pictures_are_turned_if_they_agree_with_their_maps_only_so(turn, name):
    maps = spots()
    assert turned(turn(seen(maps)), maps) == name
    assert turned(turn(seen(maps)), maps[:, 0]) == name
    assert turned(turn(seen(maps)), maps[:, 0].long()) == name


def test_pictures_of_other_maps_and_maps_that_are_alike_from_all_sides_are_not_turned():
    maps = spots()
    assert turned(seen(maps), maps.roll(1, 0)) is None
    centre = torch.zeros(64, 1, 12, 12)
    centre[::2, :, 4:8, 4:8] = 1
    assert turned(seen(centre), centre) is None


def test_what_is_no_picture_with_a_map_of_its_size_is_left_out():
    maps = spots()
    for pictures, targets in ((seen(maps), maps.flatten(1)), (seen(maps), maps[..., :6]), (maps.flatten(1), maps)):
        assert turned(pictures, targets) is None
    assert turned(seen(maps)[:16], maps[:16]) is None
