"""A product rounds a lane alike, whether it is alone or beside others."""

from itertools import product as combined

import pytest
import torch

from gradclinic_workers.train.lanes.products import added_product, product

SHAPES = list(combined((1, 16, 100, 256), (1, 13, 64), (1, 5, 64)))


@pytest.mark.parametrize(("rows", "inner", "columns"), SHAPES)
def test_a_lane_alone_has_the_bits_that_it_has_beside_others(rows: int, inner: int, columns: int) -> None:
    generator = torch.Generator().manual_seed(0)
    left = torch.randn(4, rows, inner, generator=generator)
    right = torch.randn(4, columns, inner, generator=generator).transpose(1, 2)
    bias = torch.randn(4, 1, columns, generator=generator)
    multiplied, added = product(left, right), added_product(bias, left, right)
    torch.testing.assert_close(multiplied, left @ right)
    torch.testing.assert_close(added, left @ right + bias)
    for lane in range(4):
        only = slice(lane, lane + 1)
        assert torch.equal(product(left[only], right[only]), multiplied[only])
        assert torch.equal(added_product(bias[only], left[only], right[only]), added[only])
