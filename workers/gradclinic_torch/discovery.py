"""Finds a model's sites in its first step: what each weighted layer hands on, and what becomes of it.

forward    every module's output is noted, with its place in the autograd graph
backward   gradients at what may become a site are caught
find()     layer -> norms after it -> activation after those; blocks that add their input; cells by time step
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from gradclinic.experiments.activations import Activation
from gradclinic.experiments.activations.identity import Identity
from gradclinic.experiments.sites import Site
from gradclinic.measurements.record import SiteInfo

from .graph import Node, adds_its_input, consumers_of, is_product, multiplies, only_taker, reads_alone
from .hooks import Key
from .module_kinds import CELLS, CHANNELS_FIRST, FUSED, NORMS, activation_of_module, activation_of_node, may_be_weighted

MOST_STATES = 512
"""Time steps of one cell that become sites."""


@dataclass
class Passage:
    """One call of one module."""

    key: Key
    module: nn.Module
    entry: Node | None
    """Where its input stood in the autograd graph, before anything changed it in place."""
    output: Tensor
    leave: Node | None
    version: int
    value: Tensor
    """The output as it was made: a copy where it may be changed in place."""
    gradients: list[Tensor] = field(default_factory=list)
    inner: bool = False
    """Whether a weighted layer was called inside."""
    weighted: bool = False
    """Whether it multiplies its input by a matrix of its own."""

    @property
    def changed(self) -> bool:
        """Whether its output was changed in place later."""
        return self.output._version != self.version


@dataclass(frozen=True)
class Found:
    """A site, and how it is seen again."""

    site: Site
    info: SiteInfo
    key: Key
    after: Key | None
    """The activation's module whose output is phi(site)."""
    compute: nn.Module | None
    """What computes phi(site) where no module does."""
    copies: bool
    """Whether its tensor is changed in place by what follows, so that its value is copied."""
    at: tuple[int, int] | None = None
    """Axis of time, and the time step, where it is one of a sequence."""


def state_of(module: nn.Module, output: Any) -> Tensor | None:
    """The tensor that a module's output is: of an LSTM cell the memory, c."""
    chosen = output[1] if isinstance(module, nn.LSTMCell) and isinstance(output, tuple) else output
    return chosen if isinstance(chosen, Tensor) else None


class Discovery:
    """Looks at one forward pass in full."""

    probing = False

    def __init__(self) -> None:
        self.called: dict[str, int] = {}
        """Modules by name, in the order of their first calls."""
        self._passages: list[Passage] = []
        self._before: list[Passage] = []
        self._entries: dict[Key, Node | None] = {}
        self._open: list[Key] = []
        self._inner: set[Key] = set()

    def begins(self, samples: int) -> None:
        """Of several passes in a step the last one is looked at that something came back to."""
        if any(passage.gradients for passage in self._passages):
            self._before = self._passages
        self._passages = []
        self._entries, self._open, self._inner = {}, [], set()

    @property
    def passages(self) -> list[Passage]:
        """The calls of that pass, in the order in which they ended."""
        return self._passages if any(each.gradients for each in self._passages) else self._before

    def enters(self, key: Key, module: nn.Module, tensor: Tensor | None) -> None:
        self.called.setdefault(key[0], len(self.called))
        self._entries[key] = tensor.grad_fn if tensor is not None else None
        self._open.append(key)

    def leaves(self, key: Key, module: nn.Module, output: Any) -> None:
        if key in self._open:
            del self._open[self._open.index(key) :]
        tensor = state_of(module, output)
        if tensor is None or not tensor.requires_grad or not tensor.is_floating_point():
            return
        entry = self._entries.pop(key, None)
        weighted = may_be_weighted(module) and multiplies(entry, tensor.grad_fn)
        if weighted:
            self._inner.update(self._open)
        container = next(module.children(), None) is not None
        passage = Passage(
            key=key,
            module=module,
            entry=entry,
            output=tensor,
            leave=tensor.grad_fn,
            version=tensor._version,
            value=tensor.detach() if container else tensor.detach().clone(),
            inner=key in self._inner,
            weighted=weighted,
        )
        tensor.register_hook(  # type: ignore[no-untyped-call]  # torch's own
            lambda gradient: passage.gradients.append(gradient.detach())
        )
        self._passages.append(passage)

    def find(self, loss: Tensor | None) -> tuple[list[Found], Key | None]:
        """The sites in forward order, after backward; and which call was the readout's."""
        root = loss.grad_fn if loss is not None and loss.grad_fn is not None else self._last_node()
        consumers = consumers_of(root) if root is not None else {}
        seen = [passage for passage in self.passages if passage.gradients]  # what a checkpoint computes again is not
        weighted = [passage.key for passage in seen if passage.weighted]
        readout = weighted[-1] if weighted else None
        blocks = self._blocks(readout)
        found: list[Found] = []
        for passage in self.passages:
            if passage.key == readout:
                continue
            in_profile = not any(passage.key[0].startswith(f"{name}.") for name in blocks)
            if passage.weighted:
                found += self._pre_activation(passage, consumers, in_profile=in_profile)
            elif isinstance(passage.module, CELLS) and passage.key[1] < MOST_STATES:
                found += _state(passage)
            elif isinstance(passage.module, FUSED) and passage.key[1] == 0:
                found += _time_steps(passage)
            elif passage.key[0] in blocks:
                found += _block(passage)
        return found, readout

    def _last_node(self) -> Node | None:
        """Where the last output stands in the graph, for a loss that was told as a number."""
        return self.passages[-1].leave if self.passages else None

    def values(self, found: Sequence[Found]) -> dict[str, Tensor]:
        """What the sites were in that step, each with its gradient."""
        by_key = {passage.key: passage for passage in self.passages}
        kept = {}
        for each in found:
            tapped = by_key[each.key]
            value, gradient = tapped.value.detach(), tapped.gradients[-1]
            if each.at is not None:
                value, gradient = value.select(*each.at), gradient.select(*each.at)
            value.grad = gradient.reshape(value.shape).to(value.dtype)
            kept[each.site.tap] = value
            if each.site.output is not None:
                phi = by_key[each.after].value if each.after is not None else None
                kept[each.site.output] = phi if phi is not None else applied(each, value)
        return kept

    def _pre_activation(
        self, passage: Passage, consumers: dict[Node, list[Node]], *, in_profile: bool
    ) -> Iterator[Found]:
        tapped = passage
        while (norm := self._next(tapped)) is not None and isinstance(norm.module, NORMS):
            if not reads_alone(norm.entry, norm.leave, consumers):
                break  # another block's norm, beside which the skip connection passes
            tapped = norm
        if not tapped.gradients or tapped.value.ndim < 2:
            return
        following = self._next(tapped)
        activation = activation_of_module(following.module) if following is not None else None
        after, compute = (following.key, None) if following is not None and activation is not None else (None, None)
        if activation is None:
            taker = only_taker(tapped.leave, consumers)
            activation = None if taker is None else Identity() if is_product(taker) else activation_of_node(taker)
            if activation is not None:
                call = activation.call()
                compute = getattr(nn, call.target.removeprefix("nn."))(*call.args, **call.kwargs)
        axis = 1 if isinstance(passage.module, CHANNELS_FIRST) else -1
        yield _found(
            _name(passage.key), "pre_activation", tapped, axis=axis, in_profile=in_profile,
            activation=activation, after=after, compute=compute,
        )  # fmt: skip

    def _next(self, passage: Passage) -> Passage | None:
        """The module that takes a module's output, where one does."""
        for each in self.passages:
            takes = each.entry is passage.leave and each is not passage
            if takes and (isinstance(each.module, NORMS) or activation_of_module(each.module) is not None):
                return each
        return None

    def _blocks(self, readout: Key | None) -> set[str]:
        """Names of the modules that add their input to what they make of it, and hold no such module themselves."""
        names = {
            passage.key[0]
            for passage in self.passages
            if passage.inner and passage.key[0] and passage.entry is not None and passage.gradients
            if readout is None or not readout[0].startswith(f"{passage.key[0]}.")
            if passage.value.ndim >= 2 and adds_its_input(passage.entry, passage.leave)
        }
        return {name for name in names if not any(other.startswith(f"{name}.") for other in names)}


def applied(found: Found, value: Tensor) -> Tensor:
    """phi(site), computed anew where a program calls a function for it."""
    with torch.no_grad():
        made: Tensor = found.compute(value.detach()) if found.compute is not None else value
    return made


def _state(passage: Passage) -> Iterator[Found]:
    if passage.gradients:
        name, step = passage.key
        yield _found(f"{name}.t{step}", "state", passage, axis=-1, in_profile=True, group=name)


def _time_steps(passage: Passage) -> Iterator[Found]:
    """What goes into each time step of a recurrent layer; none where there are too many."""
    axis = 1 if passage.module.batch_first else 0
    if passage.gradients and passage.value.shape[axis] <= MOST_STATES:
        name = passage.key[0]
        for step in range(passage.value.shape[axis]):
            yield _found(f"{name}.t{step}", "state", passage, axis=-1, in_profile=True, group=name, at=(axis, step))


def _block(passage: Passage) -> Iterator[Found]:
    axis = 1 if passage.value.ndim >= 4 else -1
    yield _found(_name(passage.key), "block_output", passage, axis=axis, in_profile=True)


def _found(
    name: str,
    kind: Any,
    tapped: Passage,
    *,
    axis: int,
    in_profile: bool,
    group: str = "",
    activation: Activation | None = None,
    after: Key | None = None,
    compute: nn.Module | None = None,
    at: tuple[int, int] | None = None,
) -> Found:
    tap = f"{name}:{tapped.key[0]}"
    site = Site(name, kind, tap, in_profile, axis, activation, f"{tap}:phi" if activation else None, group)
    info = SiteInfo(
        name=name,
        kind=kind,
        in_profile=in_profile,
        units=tapped.value.shape[axis],
        activation=activation.name if activation else None,
        bounded=activation.bounded if activation else False,
        can_die=activation.can_die() if activation else False,
        group=group,
    )
    return Found(site, info, tapped.key, after, compute, tapped.changed, at)


def _name(key: Key) -> str:
    """A module that is called several times has a site for each call."""
    return key[0] if key[1] == 0 else f"{key[0]}.call{key[1]}"
