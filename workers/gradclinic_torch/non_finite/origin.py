"""Finds the origin of the first number that is not finite, in the step where it occurs.

Before it breaks, this keeps what the last batch's step started from and costs nothing more: the arguments of model and
loss, and the state of the random generator. When a loss or a gradient is not finite, and before the optimizer takes its
step, the step is computed again, and every operation of it is followed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from gradclinic.measurements.origin import Made, NonFiniteOrigin

from ..model.generator import kept_generators
from ..model.quiet import unobserved
from .broken_operation import Broken, Operations, broken_rows

Arguments = tuple[tuple[Any, ...], Mapping[str, Any]]


@dataclass(frozen=True)
class _State:
    """What a forward pass depends on beside its arguments and weights."""

    device: torch.device
    generator: Tensor
    autocast: bool
    autocast_dtype: torch.dtype

    @classmethod
    def now(cls, device: torch.device) -> "_State":
        generator = torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.default_generator.get_state()
        kind = device.type
        return cls(device, generator, torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind))

    @contextmanager
    def again(self) -> Iterator[None]:
        """Compute in this state, unobserved and without compiled code; then go on as before."""
        with ExitStack() as stack:
            stack.enter_context(unobserved())
            stack.enter_context(_without_compiled_code())
            stack.enter_context(kept_generators(self.device))
            stack.enter_context(torch.autocast(self.device.type, self.autocast_dtype, enabled=self.autocast))
            if self.device.type == "cuda":
                torch.cuda.set_rng_state(self.generator, self.device)
            else:
                torch.set_rng_state(self.generator)
            yield


def _without_compiled_code() -> AbstractContextManager[None]:
    """Compute with the operations of the program; before torch 2.6, compiled models are computed as they are."""
    stance = getattr(torch.compiler, "set_stance", None)
    return nullcontext() if stance is None else stance("force_eager")


class LastBatch:
    """The last forward pass, its loss and its backward pass."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self._model, self._optimizer = model, optimizer
        self._arguments: Arguments = ((), {})
        self._state: _State | None = None
        self._inputs: Tensor | None = None
        self._outputs: Tensor | None = None
        self._criterion: tuple[nn.Module, Arguments] | None = None
        self._targets: Tensor | None = None
        self._value: Tensor | None = None
        self._output_gradient: Tensor | None = None
        self._step_is_open = False

    def before_forward(self, inputs: Tensor | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """The model is about to be called; `inputs` is the first tensor among its arguments."""
        if self._step_is_open and self._has_broken():
            return  # a later pass of the same step would hide it
        self._inputs, self._arguments = inputs, (args, kwargs)
        self._state = _State.now(inputs.device if inputs is not None else torch.device("cpu"))
        self._outputs = self._criterion = self._targets = self._value = self._output_gradient = None
        self._step_is_open = True

    def after_forward(self, output: Tensor | None) -> None:
        """The model has made its output; the first tensor of it."""
        if output is None or self._outputs is not None:
            return
        self._outputs = output.detach()
        if output.requires_grad:
            output.register_hook(self._came_back)  # type: ignore[no-untyped-call]  # torch's own

    def after_loss(self, criterion: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """The criterion was called in training, with outputs, targets and what else it takes."""
        if self._criterion is None:
            self._criterion = criterion, (_detached(args), _detached(kwargs))
            self._targets = args[1] if isinstance(args[1], Tensor) else None

    def after_backward(self, loss: Tensor | float) -> None:
        """A backward pass of the loss has ended."""
        if self._value is None:
            self._value = loss.detach() if isinstance(loss, Tensor) else torch.tensor(float(loss))

    def _came_back(self, gradient: Tensor) -> None:
        if self._output_gradient is None:
            self._output_gradient = gradient.detach()

    def step_is_done(self) -> None:
        """The optimizer takes its step."""
        self._step_is_open = False

    def _has_broken(self) -> bool:
        """Whether loss or gradient of this pass are not finite; not asked where the answer waits for a device."""
        seen = [each for each in (self._value, self._output_gradient) if each is not None and each.device.type == "cpu"]
        return not all(bool(torch.isfinite(each).all()) for each in seen)

    def origin(self, *, step: int) -> NonFiniteOrigin | None:
        """The origin of the first number that is not finite in this step; None if there is none or it was not seen."""
        if self._state is None:
            return None
        replayed = _Replayed(self._model, self._arguments, self._state)
        found: NonFiniteOrigin | None
        if self._value is not None and not _is_finite(self._value):
            found = self._of_loss(replayed)
        elif self._output_gradient is not None and not _is_finite(self._output_gradient):
            found = self._of_loss_gradient()
        else:
            found = self._of_gradient(replayed)
        return None if found is None else found.model_copy(update={"step": step})

    # --- the three ways to break ---

    def _of_loss(self, replayed: "_Replayed") -> NonFiniteOrigin:
        """The loss is not finite."""
        if self._outputs is not None and not _is_finite(self._outputs):
            broken = replayed.forward()
            if broken is None:
                rows = broken_rows(self._outputs)
                return self._in_data() or self._in_weights() or NonFiniteOrigin(step=0, where="forward", rows=rows)
            if not broken.on_purpose:
                return self._in_network(broken, rows=broken_rows(self._outputs))
        of_loss = self._in_loss(backward=False)
        if of_loss is not None and not of_loss.on_purpose and of_loss.given is None:
            found = _told("loss", of_loss)
            made: Made = "nan" if of_loss.undefined else "infinity"
            told = {"of_outputs_undefined": of_loss.undefined} if of_loss.of_outputs else {"of_targets": made}
            return found.model_copy(update=told)
        if of_loss is not None and of_loss.given is not None and _same(of_loss.given, self._targets):
            return NonFiniteOrigin(step=0, where="targets", rows=of_loss.rows)
        return NonFiniteOrigin(step=0, where="loss")

    def _of_loss_gradient(self) -> NonFiniteOrigin:
        """The loss is finite, and its gradient with respect to the outputs is not."""
        broken = self._in_loss(backward=True)
        rows = broken_rows(self._output_gradient)
        if broken is None or broken.given is not None:
            return NonFiniteOrigin(step=0, where="loss_backward", rows=rows)
        return _told("loss_backward" if broken.in_backward else "loss", broken, rows=rows)

    def _of_gradient(self, replayed: "_Replayed") -> NonFiniteOrigin | None:
        """The gradient of the outputs is finite, and that of a weight is not."""
        named = list(self._model.named_parameters())
        broken_weights = [name for name, each in named if each.grad is not None and not _is_finite(each.grad)]
        if not broken_weights:
            return self._in_data() or self._in_weights()
        broken = replayed.backward(self._output_gradient)
        if broken is None:
            found = self._in_data() or self._in_weights()
            return found or NonFiniteOrigin(step=0, where="backward", module=broken_weights[-1])
        return self._in_network(broken, weight=broken_weights[-1])

    def _in_network(self, broken: Broken, *, rows: Sequence[int] = (), weight: str | None = None) -> NonFiniteOrigin:
        """The origin in what the network computed or was given; `weight`: the one whose gradient broke first."""
        if broken.given is None:
            told = _told("backward" if broken.in_backward else "forward", broken, rows=rows)
            return told if told.module is not None or weight is None else told.model_copy(update={"module": weight})
        if any(_same(broken.given, each) for each in _tensors(self._arguments)):
            return NonFiniteOrigin(step=0, where="inputs", rows=broken.rows)
        return self._in_weights() or NonFiniteOrigin(step=0, where="weights")

    # --- where to look ---

    def _in_data(self) -> NonFiniteOrigin | None:
        if rows := broken_rows(self._inputs):
            return NonFiniteOrigin(step=0, where="inputs", rows=rows)
        if rows := broken_rows(self._targets):
            return NonFiniteOrigin(step=0, where="targets", rows=rows)
        return None

    def _in_weights(self) -> NonFiniteOrigin | None:
        for name, weight in self._model.named_parameters():
            if not _is_finite(weight):
                return NonFiniteOrigin(step=0, where="weights", module=name)
        return None

    def _in_loss(self, *, backward: bool) -> Broken | None:
        """What broke in the loss, or in its backward pass; None if it is not known how it was computed."""
        if self._criterion is None or self._state is None:
            return None
        criterion, (args, kwargs) = self._criterion
        samples = len(args[0]) if isinstance(args[0], Tensor) and args[0].ndim else None

        def again(operations: Operations) -> Broken | None:
            outputs = _mapped(args[0], lambda each: each.detach().requires_grad_(each.is_floating_point()))
            with operations.followed():
                values = _tensors(criterion(outputs, *args[1:], **kwargs))
                if backward:
                    leaves = [each for each in _tensors(outputs) if each.requires_grad]
                    values = torch.autograd.grad([each.sum() for each in values], leaves, allow_unused=True)
            return operations.of(values)

        return _tried(Operations(None, samples=samples), self._state, again)


class _Replayed:
    """A repetition of the forward and backward pass of a model, which leaves its buffers as they were."""

    def __init__(self, model: nn.Module, arguments: Arguments, state: _State) -> None:
        is_parallel = isinstance(model, nn.parallel.DistributedDataParallel)
        self._model: nn.Module = model.get_submodule("module") if is_parallel else model
        self._prefix = "module." if is_parallel else ""
        self._arguments, self._state = arguments, state
        self._samples = next((len(each) for each in _tensors(arguments) if each.ndim), None)

    def forward(self) -> Broken | None:
        """What broke on the way to the outputs."""

        def again(operations: Operations) -> Broken | None:
            with operations.followed():
                outputs = self._called()
            return operations.of(outputs)

        return self._found(again)

    def backward(self, gradient: Tensor | None) -> Broken | None:
        """What broke on the way from the gradient of the first output to those of the weights."""
        weights = [each for each in self._model.parameters() if each.requires_grad]

        def again(operations: Operations) -> Broken | None:
            with operations.followed():
                output = self._called()[0]
                seed = torch.ones_like(output) if gradient is None else gradient.to(output.dtype)
                gradients = torch.autograd.grad(output, weights, seed, allow_unused=True)
            return operations.of(gradients)

        return self._found(again)

    def _called(self) -> tuple[Tensor, ...]:
        args, kwargs = self._arguments
        return _tensors(self._model(*args, **kwargs))

    def _found(self, again: Callable[[Operations], Broken | None]) -> Broken | None:
        if any(isinstance(module, nn.SyncBatchNorm) for module in self._model.modules()):
            return None  # other processes would have to take part
        buffers = {name: buffer.clone() for name, buffer in self._model.named_buffers()}
        try:
            broken = _tried(Operations(self._model, samples=self._samples), self._state, again)
        finally:
            with torch.no_grad():
                for name, buffer in self._model.named_buffers():
                    buffer.copy_(buffers[name])
        if broken is None or broken.module is None:
            return broken
        return Broken(**{**vars(broken), "module": self._prefix + broken.module})


def _tried(operations: Operations, state: _State, again: Callable[[Operations], Broken | None]) -> Broken | None:
    """What a repetition shows; None if it is not possible, for example of a model that cannot be called twice."""
    try:
        with state.again(), torch.enable_grad():
            return again(operations)
    except Exception:  # noqa: BLE001  # a program's model and loss may raise anything
        return None


def _told(where: Any, broken: Broken, *, rows: Sequence[int] = ()) -> NonFiniteOrigin:
    return NonFiniteOrigin(
        step=0,
        where=where,
        module=broken.module if where in ("forward", "backward") else None,
        operation=broken.operation,
        rows=broken.rows or tuple(rows),
    )


def _tensors(value: Any) -> tuple[Tensor, ...]:
    """All tensors in nested lists, tuples and mappings."""
    return tuple(each for each in tree_leaves(value) if isinstance(each, Tensor))


def _mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    return tree_map(lambda each: change(each) if isinstance(each, Tensor) else each, value)


def _detached(value: Any) -> Any:
    if isinstance(value, tuple) and all(isinstance(each, Tensor) for each in value):
        return tuple(each.detach() for each in value)
    return _mapped(value, Tensor.detach) if value else value


def _same(one: Tensor, other: Tensor | None) -> bool:
    """Whether two tensors lie in the same memory."""
    return other is not None and one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


def _is_finite(values: Tensor) -> bool:
    return not values.is_floating_point() or bool(torch.isfinite(values).all())
