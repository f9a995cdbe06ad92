"""Which weights the loss reaches, which of them are trained, and what becomes of their gradients."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from gradclinic.measurements.preflight import WiringFacts

from ..model.graph import Node, leaves_of
from ..model.quiet import Harmless
from .clamped import clamped_at
from .norm_values import BATCH_NORM

DROPOUT = nn.modules.dropout._DropoutNd


class Wiring:
    """Follows the weights of a model and their gradients through the first steps."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self._model, self._optimizer = model, optimizer
        self._leaves: list[Tensor] = []
        self._versions: dict[int, int] = {}
        self._without_gradient: set[int] = set()
        self._ran: dict[int, bool] = {}
        """Whether the layers of parameters without a gradient, by the parameter's identity, ever ran with one."""
        self._aside: set[int] = set()
        """Of the parameters without a gradient, those of which the loss is known to use nothing."""
        self._zero: list[bool] = []
        self._unmoved: list[Tensor] = []
        """Weights whose gradient was exactly zero at every step so far."""
        self._bounds: list[float | None] = []
        """The bound that most weights are clamped at, at each step but the first."""
        self._stops_at: str | None = None
        self._uncleared: list[bool] = []
        self._evaluating: tuple[str, ...] = ()
        self._alike = False
        self._handles: list[RemovableHandle] = []

    def saw_loss(self, root: Node | None) -> None:
        """The first backward pass has ended; `root` is the loss's place in the autograd graph."""
        self._leaves = leaves_of(root) if root is not None else list(self._model.parameters())
        self._versions = {id(each): each._version for each in self._leaves}
        self._evaluating = tuple(
            name
            for name, module in self._model.named_modules()
            if isinstance(module, BATCH_NORM | DROPOUT) and not module.training
        )
        matrices = [each for each in self._leaves if isinstance(each, nn.Parameter) and each.ndim > 1]
        self._alike = len(matrices) > 1 and all(each.numel() > 1 and _is_one_value(each) for each in matrices)

    def before_backward(self) -> None:
        """The first gradient of a step after the first is there, none of the parameters' own yet."""
        stale = [each.grad for group in self._optimizer.param_groups for each in group["params"]]
        self._uncleared.append(any(each is not None and bool(each.any()) for each in stale))

    def before_step(self, *, is_first: bool) -> None:
        """The optimizer is about to take a step."""
        gradients = [each.grad for each in self._leaves if each.grad is not None]
        self._zero.append(bool(gradients) and not any(bool(each.any()) for each in gradients))
        held = [each for group in self._optimizer.param_groups for each in group["params"]]
        missing = {id(each) for each in held if each.requires_grad and each.grad is None}
        self._without_gradient = missing if is_first else self._without_gradient & missing
        weights = [each for each in self._leaves if each.ndim > 1] if is_first else self._unmoved
        self._unmoved = [each for each in weights if each.grad is not None and not bool(each.grad.any())]
        if is_first:
            self._watch_the_forward_of(missing)
            self._stops_at = self._first_without_signal()
        elif None not in self._bounds:  # one step without a bound is enough to know
            self._bounds.append(clamped_at(self._leaves))

    def close(self) -> None:
        """Remove all hooks."""
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def facts(self) -> WiringFacts | None:
        """Everything that was seen so far; None before the first backward pass."""
        if not self._leaves:
            return None
        names = {id(each): name for name, each in self._model.named_parameters()}
        own = [each for group in self._optimizer.param_groups for each in group["params"]]
        held, trained = {id(each) for each in own}, {id(each) for each in own if each.requires_grad}
        stuck = [
            each
            for each in self._leaves
            if isinstance(each, nn.Parameter) and id(each) not in held and each._version == self._versions[id(each)]
        ]
        weights = [each for each in self._leaves if isinstance(each, nn.Parameter)]
        everything = sum(each.numel() for each in weights)
        return WiringFacts(
            untrained=_called(stuck, names),
            unregistered=sum(id(each) not in names for each in stuck),
            untrained_fraction=sum(each.numel() for each in stuck) / everything if everything else 0.0,
            without_gradient=tuple(name for key, name in names.items() if key in self._without_gradient),
            unreached=bool(self._without_gradient) and self._without_gradient >= trained,
            cut_off=tuple(
                name for key, name in names.items() if key in self._without_gradient and not self._ran.get(key, True)
            ),
            aside=tuple(name for key, name in names.items() if key in self._without_gradient & self._aside),
            zero_gradient=bool(self._zero) and all(self._zero),
            frozen_alike=tuple(
                name
                for name, each in self._model.named_parameters()
                if not each.requires_grad and each.ndim > 1 and each.numel() > 1 and _is_one_value(each.detach())
            ),
            unmoved=tuple(names[id(each)] for each in self._unmoved if id(each) in names),
            stops_at=self._stops_at,
            uncleared=len(self._uncleared) >= 2 and all(self._uncleared),
            evaluating=self._evaluating,
            alike=self._alike,
            clamped_at=_one_bound(self._bounds),
        )

    def _first_without_signal(self) -> str | None:
        """The weight nearest to the loss whose gradient is exactly zero."""
        names = {id(each): name for name, each in self._model.named_parameters()}
        for leaf in self._leaves:
            if leaf.ndim > 1 and leaf.grad is not None and not bool(leaf.grad.any()):
                return names.get(id(leaf), f"a weight of shape {list(leaf.shape)}")
        return None

    def _watch_the_forward_of(self, missing: set[int]) -> None:
        """Note from the next forward on whether layers that got no gradient run with gradients enabled."""

        def watch(own: list[int]) -> Callable[[nn.Module, tuple[Any, ...]], None]:
            def see(module: nn.Module, given: tuple[Any, ...]) -> None:
                if module.training:
                    for key in own:
                        self._ran[key] = self._ran.get(key, False) or torch.is_grad_enabled()
                if any(isinstance(each, Tensor) and each.requires_grad for each in given):
                    self._aside.update(own)  # what comes in gets its gradient by another way

            return see

        for module in self._model.modules() if missing else ():
            every = [id(each) for each in module.parameters(recurse=False) if each.requires_grad]
            own = [each for each in every if each in missing]
            if own and len(own) < len(every):
                self._aside.update(own)  # the others of the same module get a gradient
            if own:
                self._handles.append(module.register_forward_pre_hook(Harmless(watch(own))))


def _one_bound(bounds: Sequence[float | None]) -> float | None:
    """The bound, where it is the same at every step."""
    return bounds[0] if len(bounds) > 1 and len(set(bounds)) == 1 else None


def _is_one_value(weight: Tensor) -> bool:
    return bool((weight == weight.flatten()[0]).all())


def _called(parameters: Sequence[Tensor], names: Mapping[int, str]) -> tuple[str, ...]:
    """The parameters by name; those that no module holds by their shape, each shape once."""
    unnamed = Counter(tuple(each.shape) for each in parameters if id(each) not in names)
    return (
        *(names[id(each)] for each in parameters if id(each) in names),
        *(
            f"{f'{count} parameters' if count > 1 else 'a parameter'} of shape {list(shape)}"
            for shape, count in unnamed.items()
        ),
    )
