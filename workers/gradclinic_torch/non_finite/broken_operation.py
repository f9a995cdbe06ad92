"""Follows every operation of a replayed step, and finds the first that made non-finite numbers from finite ones.

An infinity that a program writes on purpose, as a mask does, is no fault: only what reaches the loss or a gradient
counts, and of an infinity written on purpose only the operation that made NaN of it.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ..model.compiled import named_modules

ROWS = 100
"""Maximum number of rows of the batch that are named."""
_WRITES = ("fill", "full", "where", "scalar_tensor", "empty", "index_put", "lift_fresh", "copy")
"""Operations that write a number that the program has chosen."""
_TAKES_MASKS = ("softmax", "attention")
"""Operations that make NaN of a row that a mask hides as a whole."""
_USUAL_NAMES = {
    "mm": "matmul",
    "bmm": "matmul",
    "mv": "matmul",
    "addmm": "matmul",
    "baddbmm": "matmul",
    "to_copy": "to",
}


@dataclass(frozen=True)
class Broken:
    """Where numbers that are not finite came from."""

    order: int
    """Number of the operation within the replay."""
    operation: str
    """Its name in torch, without the marks of a variant: `log`, `softmax`."""
    module: str | None
    """The innermost module that computed it, in the forward or in the backward pass; None outside of all modules."""
    rows: tuple[int, ...]
    """The first rows of its result that have such numbers; empty if the result has no row for each sample."""
    given: Tensor | None = None
    """The tensor that had them before the replay, if no operation made them."""
    on_purpose: bool = False
    """Whether the program wrote an infinity itself."""
    in_backward: bool = False
    """Whether it was an operation of the backward pass."""
    of_outputs: bool = True
    """Whether something with a gradient, such as the outputs, was among what the operation got."""
    undefined: bool = False
    """Whether it made NaN, which has no limit, and not an infinity only."""


class Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's own
    """Observes all operations within its block; `of` tells where a tensor's non-finite numbers came from."""

    def __init__(self, model: nn.Module | None, *, samples: int | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's own
        self._model, self._samples = model, samples
        self._buffers = {_address(buffer) for buffer in model.buffers()} if model is not None else set()
        self._known: dict[int, tuple[Tensor, Broken]] = {}
        """By the address of its memory: a tensor that is not finite, kept so that the address is not used again."""
        self._of_node: dict[int, Broken] = {}
        """Faults of the forward pass, by the node that the operation has in the autograd graph."""
        self._done = 0
        self._inside: list[str] = []
        self._calls: list[_Call] = []

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Observe what is computed in the block, and in which modules."""
        handles = []
        for name, module in named_modules(self._model) if self._model is not None else ():
            handles.append(module.register_forward_pre_hook(self._entering(name), prepend=True))
            handles.append(module.register_forward_hook(self._leaving(), always_call=True))
        try:
            with self:
                yield
        finally:
            for handle in handles:
                handle.remove()

    def of(self, tensors: Sequence[Tensor | None]) -> Broken | None:
        """The origin of the non-finite numbers in these results; None if all are finite."""
        found = [cause for each in tensors if each is not None and (cause := self._cause(each)) is not None]
        return min(found, key=lambda cause: (cause.on_purpose, cause.order), default=None)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = tree_leaves((args, dict(kwargs or {})))
        causes = [cause for each in given if isinstance(each, Tensor) and (cause := self._cause(each)) is not None]
        result = func(*args, **(kwargs or {}))
        self._done += 1
        for made in tree_leaves(result):
            if isinstance(made, Tensor) and not _is_finite(made):
                self._known[_address(made)] = (made, self._origin(func, given, causes, made))
        return result

    def _cause(self, tensor: Tensor) -> Broken | None:
        if _is_finite(tensor):
            return None
        known = self._known.get(_address(tensor))
        if known is not None:
            return known[1]
        infinite = not bool(torch.isnan(tensor).any())
        origin = Broken(0, "", None, broken_rows(tensor), given=tensor, on_purpose=infinite)
        self._known[_address(tensor)] = (tensor, origin)
        return origin

    def _origin(self, func: Any, given: Sequence[Any], causes: Sequence[Broken], made: Tensor) -> Broken:
        """A result's origin: the first fault among its inputs, or else this operation.

        A buffer comes last: what the statistics of a batch norm hold, the step that is repeated may have written there.
        """
        name = func._schema.name.partition("::")[2]
        faults = [cause for cause in causes if not cause.on_purpose]
        if causes and not faults and bool(torch.isnan(made).any()) and not any(each in name for each in _TAKES_MASKS):
            faults = [replace(cause, on_purpose=False) for cause in causes if cause.given is not None]
        if faults:
            return min(faults, key=lambda cause: (self._is_buffer(cause.given), cause.order))
        if causes and not bool(torch.isnan(made).any()):
            return causes[0]
        rows = broken_rows(made) if made.ndim and len(made) == self._samples else ()
        node: Any = torch._C._current_autograd_node()
        if node is not None:
            return self._behind(node, rows)
        module = self._inside[-1] or None if self._inside else None
        on_purpose = not causes and any(word in name for word in _WRITES) and _has_infinity(given)
        broken = Broken(
            self._done,
            plain(name),
            module,
            rows,
            on_purpose=on_purpose,
            of_outputs=any(isinstance(each, Tensor) and each.requires_grad for each in given),
            undefined=bool(torch.isnan(made).any()),
        )
        if not on_purpose:
            self._of_node[_next_node() - 1] = broken
        return broken

    def _is_buffer(self, tensor: Tensor | None) -> bool:
        return tensor is not None and _address(tensor) in self._buffers

    def _behind(self, node: Any, rows: tuple[int, ...]) -> Broken:
        """The origin, where the backward pass of an operation broke: its forward pass, if that had broken before."""
        number = node._sequence_nr()
        module = self._module_of(number)
        if number in self._of_node:
            return self._of_node[number]
        in_place = [each for each in self._of_node.values() if each.module == module]
        if node.name().endswith("CopySlices") and in_place:
            return in_place[-1]
        return Broken(self._done, of_node(node.name()), module, rows, in_backward=True)

    # --- which module an operation belongs to ---

    def _entering(self, name: str) -> Callable[..., None]:
        def hook(*_: object) -> None:
            self._inside.append(name)
            self._calls.append(_Call(name, _next_node()))

        return hook

    def _leaving(self) -> Callable[..., None]:
        def hook(*_: object) -> None:
            name = self._inside.pop()
            call = next(call for call in reversed(self._calls) if call.name == name and call.end is None)
            call.end = _next_node()

        return hook

    def _module_of(self, node: int) -> str | None:
        """The innermost module in whose call the autograd graph got this node."""
        around = [call for call in self._calls if call.start <= node < (call.end or call.start)]
        return around[-1].name or None if around else None


@dataclass
class _Call:
    """A module's call: the first node that it added to the autograd graph, and the first after it."""

    name: str
    start: int
    end: int | None = None


def _next_node() -> int:
    number: int = torch.autograd._get_sequence_nr()  # type: ignore[attr-defined]  # torch's own
    return number


def plain(name: str) -> str:
    """The name that a program calls an operation by: `_log_softmax` is log_softmax, `nll_loss_forward` is nll_loss."""
    name = name.strip("_").removesuffix("_forward").removesuffix("_backward").removeprefix("native_")
    return _USUAL_NAMES.get(name, name)


def of_node(name: str) -> str:
    """The operation of a node of the autograd graph: `SqrtBackward0` is sqrt, and an own function's is its class."""
    own = re.sub(r"Backward\d*$", "", name)
    return plain(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", own).lower()) if name[-1].isdigit() else own


def broken_rows(values: Tensor | None) -> tuple[int, ...]:
    """The first rows that contain a number that is not finite."""
    if values is None or not values.is_floating_point() or values.ndim == 0:
        return ()
    rows = ~torch.isfinite(values.detach()).reshape(len(values), -1).all(dim=1)
    return tuple(int(row) for row in rows.nonzero()[:ROWS, 0].tolist())


def _has_infinity(given: Sequence[Any]) -> bool:
    """Whether an infinity is among the numbers that the program passed, or no tensor is: then it wrote the number."""
    numbers = [each for each in given if isinstance(each, float)]
    return any(map(math.isinf, numbers)) or not any(isinstance(each, Tensor) for each in given)


def _is_finite(tensor: Tensor) -> bool:
    if not tensor.is_floating_point() or tensor.layout != torch.strided or tensor.is_meta:
        return True
    return bool(torch.isfinite(tensor.detach()).all())


def _address(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
