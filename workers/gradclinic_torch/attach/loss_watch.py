"""Observes the losses of a loop that does not pass them, and when the backward pass of each has ended.

A hook on a loss runs when a backward comes to it, and has autograd call back when that backward has ended: before
gradients are unscaled or clipped and before the optimizer takes them, whoever does that. What came back to the loss is
what the loop multiplied it by: one over the passes of an accumulation, the scale of a scaler, a weight.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any
from weakref import ref

import torch
from torch import Tensor, nn
from torch.autograd.variable import Variable
from torch.utils.hooks import RemovableHandle

from ..model.compiled import OutsideGraph
from ..model.graph import leaves_of
from .backward_root import BackwardRoots, constant_factor
from .closure import is_within_backward
from .untold_scaler import scaler_behind

MOST_LOSSES = 64
"""Number of losses of one step that are remembered."""
STEPS_WITH_GRAPH = 8
"""Steps in which a loss is kept with its graph, until its backward or the step's end: the sites are found in it."""

Marks = list[tuple[int, int]]


@dataclass(frozen=True)
class _Seen:
    """A loss at the time it was computed."""

    value: Tensor
    """A copy, without a graph."""
    multiplied: float
    """What the value had been multiplied by already."""
    with_graph: Tensor | None
    version: int
    is_root: bool = False
    """Whether it is what a backward began with, and perhaps not only a loss that was seen already."""
    is_foreign: bool = False
    """Whether it also depends on parameters that are not this training's, as far as that was looked at."""

    def loss(self) -> Tensor:
        """With its graph, where that is kept and nobody has changed the value in place since."""
        graph = self.with_graph
        if graph is None or graph._version != self.version:
            return self.value / self.multiplied
        return graph if self.multiplied == 1.0 else graph / self.multiplied


class LossWatch:
    """The losses of one model."""

    def __init__(
        self,
        parameters: Sequence[nn.Parameter],
        optimizer: torch.optim.Optimizer,
        *,
        then: Callable[[Tensor, Tensor], None],
        of_another: Callable[[], None],
        safely: Callable[[Callable[[], None]], None],
    ) -> None:
        """Calls `then`, after each backward that left gradients, with the loss and what came back to it.

        The losses of one backward are told as their sum, each times its weight. `of_another` is called instead for a
        loss that trains another network through this one, as a generator's does in a GAN.
        """
        self._parameters, self._then, self._of_another, self._safely = parameters, then, of_another, safely
        held = [each for group in optimizer.param_groups for each in group["params"]]
        self._own = {id(each) for each in (*parameters, *held)}
        self._had_own = False
        """Whether a backward came from losses that depend on this training's parameters only."""
        self._serves_others = False
        self._seen: OrderedDict[int, _Seen] = OrderedDict()
        self._roots: list[ref[Tensor]] = []
        """What the backward passes of this step began with."""
        self._keys = count()
        self._steps = 0
        self._task: int | None = None
        """Autograd's number of the backward under way."""
        self._came: list[tuple[int, Tensor]] = []
        self._marks: Marks = []
        self._steps_within = False
        """Whether the optimizer steps before a backward has ended, and drops the gradients."""
        self._handles: list[RemovableHandle | BackwardRoots] = [
            optimizer.register_step_post_hook(lambda *_: self._safely(self._step_done))
        ]

    def see_criterion(self, criterion: nn.Module) -> None:
        """Observe every value of a loss module."""
        self._hook_module(criterion, lambda value: value)

    def see_model(self, model: nn.Module) -> None:
        """Observe the loss that a model returns."""
        self._hook_module(model, loss_in)

    def see_backward(self) -> None:
        """Observe what each backward begins with; it counts where the backward comes to no other loss that was seen."""
        self._handles.append(BackwardRoots(lambda value: self._safely(lambda: self._hook_root(value))))

    def saw(self, value: Tensor | None, *, multiplied: float = 1.0) -> None:
        """This is a loss; what is no scalar with a graph is passed over.

        multiplied: what the value was multiplied by after the loss was computed, such as a scaler's scale.
        """
        if isinstance(value, Tensor) and value.requires_grad and value.numel() == 1 and torch.is_grad_enabled():
            self._safely(lambda: self._hook(value, multiplied))

    def close(self) -> None:
        """Stop observing."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._seen.clear()

    def _hook_module(self, module: nn.Module, loss_of: Callable[[Any], Tensor | None]) -> None:
        def look(_: nn.Module, __: tuple[Any, ...], output: Any) -> None:
            self._safely(lambda: self.saw(loss_of(output)))

        self._handles.append(module.register_forward_hook(OutsideGraph(look)))

    def _hook_root(self, value: Tensor) -> None:
        self._roots = [each for each in self._roots if each() is not None]
        if any(each() is value for each in self._roots):
            return  # the second backward through one graph
        self._roots.append(ref(value))
        factor = constant_factor(value) if self._steps < STEPS_WITH_GRAPH else 1.0
        scaled = factor != 1.0 and scaler_behind(factor) is not None
        self._hook(value, factor if scaled else 1.0, is_root=True)

    def _hook(self, value: Tensor, multiplied: float, *, is_root: bool = False) -> None:
        key, keeps_graph = next(self._keys), self._steps < STEPS_WITH_GRAPH
        with_graph = value if keeps_graph else None
        foreign = (keeps_graph or self._serves_others) and self._is_foreign(value)
        self._seen[key] = _Seen(value.detach().clone(), multiplied, with_graph, value._version, is_root, foreign)
        if len(self._seen) > MOST_LOSSES:
            self._seen.popitem(last=False)
        value.register_hook(lambda gradient: self._safely(lambda: self._begun(key, gradient)))  # type: ignore[no-untyped-call]

    def _begun(self, key: int, gradient: Tensor) -> None:
        """A backward pass has reached a loss."""
        if key not in self._seen:
            return
        task = torch._C._current_graph_task_id()
        if task != self._task:
            self._task, self._came, self._marks = task, [], self._gradients_now()
            self._queue(lambda: self._queue(lambda: self._safely(lambda: self._ended(task))))
        self._came.append((key, gradient.detach().reshape(())))

    def _queue(self, call: Callable[[], None]) -> None:
        """Have autograd call when the backward has ended, after what others have queued until now (DDP does)."""
        Variable._execution_engine.queue_callback(call)

    def _ended(self, task: int) -> None:
        if self._task != task:
            return
        came = [(self._seen[key], gradient) for key, gradient in self._came if key in self._seen]
        for key, _ in self._came:
            if key in self._seen:
                self._seen[key] = replace(self._seen[key], with_graph=None)
        came = [each for each in came if not each[0].is_root] or came
        self._task, self._came = None, []
        left_gradients = self._steps_within or self._gradients_now() != self._marks
        if came and left_gradients:  # else it was a gradient for something else than the weights
            self._tell(came)
        if self._steps_within:
            self._forget()

    def _tell(self, came: Sequence[tuple[_Seen, Tensor]]) -> None:
        """Tell of a backward, unless it is another network's: others came from this training's parameters only."""
        if not all(seen.is_foreign for seen, _ in came):
            self._had_own = True
        elif self._had_own:
            self._serves_others = True
            self._of_another()
            return
        self._then(*_combined(came))

    def _is_foreign(self, value: Tensor) -> bool:
        leaves = leaves_of(value.grad_fn) if value.grad_fn is not None else []
        return any(isinstance(each, nn.Parameter) and id(each) not in self._own for each in leaves)

    def _gradients_now(self) -> Marks:
        """[parameters]: what changes when a backward adds to a parameter's gradient."""
        return [(id(each.grad), -1 if each.grad is None else each.grad._version) for each in self._parameters]

    def _step_done(self) -> None:
        if is_within_backward():
            self._steps_within = True
        else:
            self._forget()

    def _forget(self) -> None:
        self._seen.clear()
        self._roots.clear()
        self._steps += 1


def loss_in(output: Any) -> Tensor | None:
    """The loss in what a model returns: `loss`, or the only scalar with a graph; None without one."""
    if isinstance(output, Mapping):
        output = output.get("loss")
    elif hasattr(output, "loss"):
        output = output.loss
    among = output if isinstance(output, tuple | list) else (output,)
    found = [each for each in among if isinstance(each, Tensor) and each.ndim == 0 and each.requires_grad]
    return found[0] if len(found) == 1 else None


def _combined(came: Sequence[tuple[_Seen, Tensor]]) -> tuple[Tensor, Tensor]:
    """The losses of one backward as one, and what came back to it."""
    if len(came) == 1:
        seen, gradient = came[0]
        return seen.loss(), gradient * seen.multiplied
    factors = torch.stack([gradient * seen.multiplied for seen, gradient in came])
    largest = factors.abs().max().clamp(min=torch.finfo(factors.dtype).tiny)
    with torch.enable_grad():
        losses = [seen.loss().reshape(()) * (factor / largest) for (seen, _), factor in zip(came, factors, strict=True)]
        return torch.stack(losses).sum(), largest
