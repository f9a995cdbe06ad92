"""Graphs as they are on a GPU, whose libraries name nodes otherwise; the names are those of torch's own sources."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gradclinic_torch.model.graph import adds_its_input, is_linear_map, is_product


class Projected(nn.Module):
    """A residual block whose shortcut is a convolution with a batch norm."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(4, 8, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8))
        self.shortcut = nn.Sequential(nn.Conv2d(4, 8, 1, stride=2, bias=False), nn.BatchNorm2d(8))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.second(self.first(x)) + self.shortcut(x))


class Renamed:
    """A node of a graph with the names that it would have on another device; one object for each node."""

    def __init__(self, node: Any, names: dict[str, str], known: dict[Any, "Renamed"]) -> None:
        self._node, self._names, self._known = node, names, known

    @classmethod
    def of(cls, node: Any, names: dict[str, str], known: dict[Any, "Renamed"]) -> "Renamed":
        return known.setdefault(node, cls(node, names, known))

    def name(self) -> str:
        name: str = self._node.name()
        for here, there in self._names.items():
            name = name.replace(here, there)
        return name

    @property
    def next_functions(self) -> list[tuple["Renamed | None", int]]:
        return [
            (Renamed.of(below, self._names, self._known) if below is not None else None, index)
            for below, index in self._node.next_functions
        ]


ON_DEVICES: list[dict[str, str]] = [
    {},
    {"NativeBatchNorm": "CudnnBatchNorm"},
    {"NativeBatchNorm": "MiopenBatchNorm", "Convolution": "MiopenConvolution"},
    {"NativeBatchNorm": "CudnnBatchNorm", "Convolution": "CudnnConvolution"},
]


@pytest.mark.parametrize("names", ON_DEVICES)
def test_a_shortcut_with_a_batch_norm_is_found_under_every_librarys_names(names: dict[str, str]) -> None:
    entry = torch.randn(2, 4, 8, 8, requires_grad=True).exp()
    leave = Projected()(entry)
    known: dict[Any, Renamed] = {}
    there = [Renamed.of(each.grad_fn, names, known) for each in (entry, leave)]
    assert adds_its_input(*there)
    assert not adds_its_input(*there, unchanged=True)


class Named:
    """A node of which only the name matters."""

    def __init__(self, name: str) -> None:
        self.next_functions: list[Any] = []
        self._name = name

    def name(self) -> str:
        return self._name


@pytest.mark.parametrize(
    ("name", "product"),
    [
        ("ConvolutionBackward0", True),
        ("CudnnConvolutionBackward0", True),
        ("CudnnConvolutionTransposeBackward0", True),
        ("CudnnRnnBackward0", True),
        ("ScaledDotProductCudnnAttentionBackward0", True),
        ("ScaledDotProductEfficientAttentionBackward0", True),
        ("MiopenRnnBackward0", True),
        ("MkldnnLinearBackward0", True),
        ("CudnnBatchNormBackward0", False),
        ("MiopenBatchNormBackward0", False),
        ("CudnnCtcLossBackward0", False),
        ("CudnnGridSamplerBackward0", False),
        ("MkldnnMaxPool2DBackward0", False),
        ("MkldnnReshapeBackward0", False),
    ],
)
def test_products_are_told_from_the_other_nodes_of_the_same_library(name: str, product: bool) -> None:
    assert is_product(Named(name)) is product


def test_a_batch_norm_bends_no_signal_under_any_name() -> None:
    assert all(is_linear_map(Named(f"{library}BatchNormBackward0")) for library in ("Native", "Cudnn", "Miopen"))
    assert all(is_linear_map(Named(f"{name}Backward0")) for name in ("AvgPool2D", "AdaptiveAvgPool2D"))
    assert not any(is_linear_map(Named(f"{name}Backward0")) for name in ("CudnnCtcLoss", "MaxPool2DWithIndices"))
