"""Reductions of many tensors at once: the order and grouping of tensors and the kind of loop do not matter."""

import math

import pytest
import torch

from gradclinic_torch.measure import one_pass, reductions

SHAPES = [(4, 3), (2, 5, 3), (4, 3), (3, 2, 2, 2), (4, 3), (2, 5, 3)]
SPECIAL = [0.0, math.nan, math.inf, -math.inf, 1e-40, -1e-25, 1e30, 6.0, -6.0]


def tensors(dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
    """Tensors of mixed shapes with special values in some of them."""
    draw = torch.Generator().manual_seed(0)
    made = [torch.randn(shape, generator=draw, dtype=torch.float64).to(dtype) for shape in SHAPES]
    for index, value in enumerate(SPECIAL):
        made[index % 2].view(-1)[index] = value
    return made


def entries(tensor: torch.Tensor) -> list[float]:
    return tensor.double().flatten().tolist()


@pytest.fixture(params=["compiled", 1, 24, 2**17], autouse=True)
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the compiled loops must matter, nor what torch stacks together without them."""
    if request.param == "compiled":
        assert one_pass.loops() is not None
    else:
        monkeypatch.setattr(one_pass, "loops", lambda: None)
        monkeypatch.setattr(reductions, "BLOCK", request.param)


@pytest.mark.parametrize("bounds", [(0.0, math.inf), (-1.0, 1.0)])
def test_a_unit_is_off_where_all_its_entries_are_at_or_beyond_the_bounds(bounds):
    given = [tensor.clone() for tensor in tensors()]
    given[2][:, 1] = bounds[0]
    given[3][:, 0] = -3.0
    given[5][..., 2] = -2.0
    axes = [1 if tensor.ndim == 4 else -1 for tensor in given]
    found = reductions.share_of_units_off(given, [bounds] * len(given), axes)
    for index, (tensor, axis) in enumerate(zip(given, axes, strict=True)):
        units = [entries(unit) for unit in tensor.movedim(axis, 0)]
        off = [all(value <= bounds[0] or value >= bounds[1] for value in unit) for unit in units]
        assert found[index] == pytest.approx(sum(off) / len(off), abs=1e-15)
    assert found[2] >= 1 / 3


def test_the_cosine_of_tiny_gradients_is_not_lost():
    first = 1e-25 * torch.randn(50, generator=torch.Generator().manual_seed(1))
    assert reductions.cosine([first[:20], first[20:]], 3 * first) == pytest.approx(1.0, rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_norms_of_any_size_and_length_are_those_of_float64(dtype):
    draw = torch.Generator().manual_seed(2)
    given = [torch.randn(shape, generator=draw).to(dtype) for shape in [(3,), (128, 128), (300, 301), (2**20,), (0,)]]
    given += [factor * given[1] for factor in (1e-25, 1e-10, 1e15, 0.0, math.inf, math.nan)]
    exact = [float(tensor.double().norm()) for tensor in given]
    assert reductions.norms_of(given).tolist() == pytest.approx(exact, rel=1e-6, abs=0, nan_ok=True)
    assert [float(reductions.norm_of(tensor)) for tensor in given] == pytest.approx(exact, rel=1e-6, abs=0, nan_ok=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_distance_is_the_norm_of_the_difference(dtype):
    given = [tensor.nan_to_num(1.0, 1.0, 1.0) for tensor in tensors(dtype)]
    others = [1.5 * tensor.flip(0) for tensor in given]
    norms, distances = reductions.norms_and_distances(given, others)
    assert norms.tolist() == pytest.approx([float(tensor.double().norm()) for tensor in given], rel=1e-6)
    expected = [float((a - b).double().norm()) for a, b in zip(given, others, strict=True)]
    assert distances.tolist() == pytest.approx(expected, rel=1e-6)


def test_tensors_that_are_no_contiguous_float32_are_read_by_torch():
    whole = torch.randn(6, 6)
    assert reductions.norms_of([whole.t(), whole[:, 1], whole.double()]).tolist() == pytest.approx(
        [float(whole.norm()), float(whole[:, 1].norm()), float(whole.norm())], rel=1e-6
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_largest_size_of_each_tensor_is_that_of_its_entries_and_nan_if_one_is(dtype):
    given = [*tensors(dtype), torch.zeros(3, dtype=dtype), torch.tensor([-1e-40, 1e-41], dtype=dtype)]
    found = reductions.largest_of(given).tolist()
    for tensor, largest in zip(given, found, strict=True):
        sizes = [abs(value) for value in entries(tensor)]
        assert math.isnan(largest) if any(map(math.isnan, sizes)) else largest == max(sizes)
