"""Hooks on a user's modules: they observe the training, change nothing, and can be removed."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from .compiled import OutsideGraph, is_compiled, named_modules, takes_hooks
from .module_kinds import FUSED
from .pausable_hooks import PausableHooks

Key = tuple[str, int]
"""A module's name, and the index of the call in one forward pass."""
Result = TypeVar("Result")


class Viewer(Protocol):
    """Who looks."""

    probing: bool
    """Whether it observes forward passes without gradients instead of those of the training."""
    whole: bool
    """Whether it observes what follows the sites, too, such as their activations."""

    def begins(self, samples: int) -> None:
        """The model is called with this many samples."""

    def enters(self, key: Key, module: nn.Module, tensor: Tensor | None) -> None:
        """A module is called with that first tensor."""

    def leaves(self, key: Key, module: nn.Module, output: Any) -> None:
        """A module has made its output; of a recurrent layer: it has got its sequences."""


class Uninterested:
    """Observes nothing, because the plan does not record this step."""

    probing = False
    whole = False

    def begins(self, samples: int) -> None: ...

    def enters(self, key: Key, module: nn.Module, tensor: Tensor | None) -> None: ...

    def leaves(self, key: Key, module: nn.Module, output: Any) -> None: ...


UNINTERESTED = Uninterested()


class Watch:
    """The hooks of one model; their errors are passed to `on_error`, never to the training."""

    def __init__(self, model: nn.Module, *, on_error: Callable[[Exception], None]) -> None:
        self._model, self._on_error = model, on_error
        self._handles: list[RemovableHandle] = []
        """Of the modules whose call may begin a pass."""
        self._within = PausableHooks()
        """Of all others but those that follow sites."""
        self._after_sites = PausableHooks()
        """Of modules that only show what becomes of a site's tensor."""
        self._calls: dict[str, int] = {}
        """How often each module was called in this pass."""
        self._viewer: Viewer | None = None
        self.on_pass: Callable[[], None] = _nothing
        """Called when the whole model is about to be called, before the viewer is told."""
        self.samples = 0
        """Number of samples that went into the model since the last step."""
        self._root: str | None = None
        """The module whose call begins a pass: the model, or, if its own forward is never called, the first to be."""
        self._between_passes = True
        self.look_at(name for name, _ in named_modules(model))

    @property
    def viewer(self) -> Viewer | None:
        """Who looks now."""
        return self._viewer

    @viewer.setter
    def viewer(self, viewer: Viewer | None) -> None:
        """A compiled model keeps all hooks: without them it would be compiled again."""
        self._viewer = viewer
        self._need(self._within, wanted=not isinstance(viewer, Uninterested))
        self._need(self._after_sites, wanted=viewer is None or viewer.whole)

    def _need(self, hooks: PausableHooks, *, wanted: bool) -> None:
        if wanted:
            hooks.go_on()
        elif self._root is not None and not hooks.are_paused and not is_compiled(self._model):
            hooks.pause()

    def look_at(
        self, names: Iterable[str], *, entered: Iterable[str] | None = None, after_sites: Iterable[str] = ()
    ) -> None:
        """Hook the model and these modules, and no others.

        entered: those whose calls are of interest before they are made, besides recurrent layers; all without it.
        after_sites: those that are only of interest to a viewer that observes what follows the sites.
        """
        self.close()
        first = {""} if self._root is None else {"", self._root}
        beside, before = set(after_sites) - first, None if entered is None else set(entered)
        wanted = {*names} | first | beside
        for name, module in named_modules(self._model):
            if name in wanted and takes_hooks(module):
                enters = before is None or name in before or name in first or isinstance(module, FUSED)
                handles = self._hook(name, module, enters=enters)
                if name in first:
                    self._handles += handles
                else:
                    (self._after_sites if name in beside else self._within).add(*handles)

    @contextmanager
    def viewed_by(self, viewer: Viewer) -> Iterator[None]:
        """Replace the viewer for the duration of the block."""
        before, self.viewer = self.viewer, viewer
        try:
            yield
        finally:
            self.viewer = before

    def guarded(self, look: Callable[[], Result]) -> Result | None:
        """The result of `look`; None if it fails."""
        try:
            return look()
        except Exception as error:  # noqa: BLE001  # whatever it is, the training goes on
            self._on_error(error)
            return None

    def step_done(self) -> None:
        """Count anew."""
        self._calls.clear()
        self.samples = 0
        self._between_passes = True

    def pass_done(self) -> None:
        """A backward has ended: the next call of the first module begins another pass."""
        self._between_passes = True

    def close(self) -> None:
        """Remove all hooks."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._within.remove()
        self._after_sites.remove()

    def _hook(self, name: str, module: nn.Module, *, enters: bool) -> list[RemovableHandle]:
        def before(module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, object]) -> Any:
            return self.guarded(lambda: self._enters(name, module, args, kwargs))

        def after(module: nn.Module, _: tuple[Any, ...], output: Any) -> None:
            try:  # as `guarded`, by a shorter way, because it runs once for each layer
                if self._looks(name):
                    self._left(name, module, output)
            except Exception as error:  # noqa: BLE001  # as there
                self._on_error(error)

        handles = [module.register_forward_hook(OutsideGraph(after))]
        if enters:
            handles.append(module.register_forward_pre_hook(OutsideGraph(before), with_kwargs=True))
        return handles

    def _looks(self, name: str) -> bool:
        """Whether this is training; validation (eval() or no_grad()) is not observed.

        In a step that is not recorded, only the module is of interest whose call begins a pass.
        """
        viewer = self._viewer
        if viewer is None:
            return False
        if name != self._root and self._root is not None and isinstance(viewer, Uninterested):
            return False
        return viewer.probing or (self._model.training and torch.is_grad_enabled())

    def _enters(self, name: str, module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, object]) -> Any:
        """What the module is called with instead; None where that stays as it is."""
        if not self._looks(name):
            return None
        seen = _with_gradient(module, args)
        if seen is None:
            self._entered(name, module, args, kwargs)
            return None
        self.guarded(lambda: self._entered(name, module, seen, kwargs))
        return seen, kwargs

    def _entered(self, name: str, module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, object]) -> None:
        begins = self._begins_pass(name)
        if begins and self.viewer is not None and not self.viewer.probing:
            self.on_pass()
        viewer = self.viewer
        if viewer is None:
            return
        first = args[0] if args else None
        tensor = first if isinstance(first, Tensor) else first_tensor((*args, *kwargs.values()))
        if begins:
            self._calls.clear()
            samples = samples_in((*args, *kwargs.values()))
            viewer.begins(samples)
            self.samples += 0 if viewer.probing else samples
        key = (name, self._calls.get(name, 0))
        viewer.enters(key, module, tensor)
        if isinstance(module, FUSED) and is_sequence(module, args):
            viewer.leaves(key, module, args[0])

    def _begins_pass(self, name: str) -> bool:
        """Whether this call of a module begins a pass through the model.

        Lightning calls a step of the model instead of its forward, so that the model's modules are called one by one.
        """
        if name == "":
            if self._root:  # what was called before the model itself began no pass
                self.samples = 0
            self._root = ""
            return True
        if self._root == "" or not self._between_passes or name != (self._root or name):
            return False
        self._root, self._between_passes = name, False
        return True

    def _left(self, name: str, module: nn.Module, output: Any) -> None:
        viewer = self._viewer
        if viewer is not None:
            number = self._calls.get(name, 0)
            self._calls[name] = number + 1
            if not isinstance(module, FUSED):
                viewer.leaves((name, number), module, output)


def _nothing() -> None: ...


def is_sequence(module: nn.Module, args: tuple[Any, ...]) -> bool:
    """Whether this is a call of a recurrent layer, one way in time, with a batch of whole sequences."""
    if not isinstance(module, FUSED) or module.bidirectional or not args:
        return False
    return isinstance(args[0], Tensor) and args[0].ndim == 3 and args[0].is_floating_point()


def _with_gradient(module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """The arguments of a recurrent layer with the same numbers as a tensor that gets a gradient; None where it does.

    Its states stay inside one kernel, but what comes back to each time step's input has gone the same way.
    """
    if not is_sequence(module, args) or args[0].requires_grad:
        return None
    return (args[0].detach().requires_grad_(), *args[1:])


def samples_in(value: Any) -> int:
    """The length of the first tensor with a first axis, in nested lists, tuples and mappings; 0 without one."""
    return next((len(tensor) for tensor in tensors_in(value) if tensor.ndim), 0)


def first_tensor(value: Any) -> Tensor | None:
    """The first tensor in nested lists, tuples and mappings."""
    return next(tensors_in(value), None)


def tensors_in(value: Any) -> Iterator[Tensor]:
    """All tensors in nested lists, tuples and mappings, in order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from tensors_in(tuple(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors_in(item)
