"""Finds a model's sites in its first step: the outputs of weighted layers, and the activations that follow.

forward    notes every module's output and its node in the autograd graph
backward   keeps the gradients of these outputs
find()     makes sites of layers (with the norms and the activation behind them), residual blocks and time steps
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from gradclinic.experiments.activations import Activation
from gradclinic.experiments.activations.identity import Identity
from gradclinic.experiments.sites import Site
from gradclinic.measurements.record import SiteInfo

from ..model.dtype import name_of
from ..model.graph import (
    Links,
    Node,
    consumers_of,
    dominators_of,
    is_product,
    multiplies,
    only_taker,
    reached_by,
    reads_alone,
)
from ..model.hooks import Key
from ..model.module_kinds import (
    CELLS,
    CHANNELS_FIRST,
    FUSED,
    NORMS,
    activation_of_module,
    activation_of_node,
    may_be_weighted,
)
from ..model.passage import Passage, checkpoint_node, in_forward_order, links_of, node_of, state_of
from ..model.placement import is_measured
from .attention import Attentions, beside
from .block import blocks_in, joins
from .depth_path import Place, paths_of

COPIED_ON = {"cpu"}
"""Devices on which the first step copies each module's output. A GPU's memory may be full, and no recording may be the
reason why a training runs out of it."""
MOST_STATES = 512
"""Maximum number of time steps of one cell that become sites."""


@dataclass(frozen=True)
class Found:
    """A site, and how it is observed in later steps."""

    site: Site
    info: SiteInfo
    key: Key
    after: Key | None
    """The activation's module whose output is phi(site)."""
    compute: nn.Module | None
    """Computes phi(site) if no module does."""
    copies: bool
    """Whether its tensor is later changed in place, so that its value must be copied."""
    at: tuple[int, int] | None = None
    """Axis of time, and the time step, if the site is one step of a sequence."""
    attends: bool = False
    """Whether the module computes an attention."""


class Discovery:
    """Observes one complete forward pass."""

    probing = False
    whole = True

    def __init__(self) -> None:
        self.called: dict[str, int] = {}
        """Modules by name, in the order of their first calls."""
        self.unmeasured: set[str] = set()
        """Modules with weights whose outputs are no dense real numbers."""
        self._passages: list[Passage] = []
        self._before: list[Passage] = []
        self._entries: dict[Key, Node | None] = {}
        self._attentions = Attentions()
        self._again: dict[str, Tensor] = {}
        """By module: what was measured of its attention when a checkpoint computed it again."""

    def begins(self, samples: int) -> None:
        """A forward pass begins. Of several in a step, the last one that got a gradient counts."""
        if any(passage.gradients for passage in self._passages):
            self._before = self._passages
        self._passages = []
        self._entries = {}
        self._attentions = Attentions()
        self._again = {}

    @property
    def passages(self) -> list[Passage]:
        """The calls of that pass whose outputs got a gradient, in the order in which they ended.

        If a checkpoint computed a call again, without reentrance, only the first computation is among them.
        """
        seen = [each for each in self._passages if each.gradients]
        return in_forward_order(seen or [each for each in self._before if each.gradients])

    def order(self) -> dict[str, int]:
        """By name: the place of each module that was called, in the order in which the forward pass calls them.

        A reentrant checkpoint is only seen when backward computes it again, the last one first; inside it, modules are
        called in their order.
        """
        passages = self.passages
        if all(each.again is None for each in passages):
            return self.called
        first: dict[str, int] = {}
        starts: dict[object, int] = {}
        for index, each in enumerate(passages):
            at, name = index if each.again is None else starts.setdefault(each.again, index), each.key[0]
            for end in range(name.count(".") + 1 if name else 0, -1, -1):
                held = ".".join(name.split(".")[:end])
                first[held] = min(at, first.get(held, at))
        known = sorted(
            (name for name in self.called if name in first), key=lambda name: (first[name], self.called[name])
        )
        following = iter(known)
        return {next(following) if name in first else name: place for name, place in self.called.items()}

    def enters(self, key: Key, module: nn.Module, tensor: Tensor | None) -> None:
        self.called.setdefault(key[0], len(self.called))
        self._entries[key] = node_of(tensor)
        self._attentions.enters(key)

    def leaves(self, key: Key, module: nn.Module, output: Any) -> None:
        tensor = state_of(module, output)
        if tensor is None or not tensor.requires_grad:
            return
        entry = self._entries.pop(key, None)
        if not is_measured(tensor):
            if may_be_weighted(module):
                self.unmeasured.add(key[0])
            return
        is_copy = next(module.children(), None) is None and tensor.device.type in COPIED_ON
        passage = Passage(
            key=key,
            module=module,
            entry=entry,
            output=tensor,
            leave=tensor.grad_fn,
            version=tensor._version,
            value=tensor.detach().clone() if is_copy else tensor.detach(),
            is_copy=is_copy,
            weighted=may_be_weighted(module) and multiplies(entry, tensor.grad_fn),
            attention=self._attentions.leaves(key, tensor),
            again=checkpoint_node(),
        )
        tensor.register_hook(  # type: ignore[no-untyped-call]  # torch's own
            lambda gradient: passage.gradients.append(gradient.detach())
        )
        self._passages.append(passage)
        if passage.again is not None and passage.attention is not None:
            self._again[key[0]] = passage.attention

    def find(self, loss: Tensor | None) -> tuple[list[Found], set[str]]:
        """The sites in forward order, after backward; and the names of the readouts, one for each head."""
        passages = self.passages
        if not passages:
            return [], set()
        self._take_attentions(passages)
        root = loss.grad_fn if loss is not None and loss.grad_fn is not None else passages[-1].leave
        links = links_of(passages)
        consumers, dominators = consumers_of(root, links), dominators_of(root, links)
        readouts = _readouts(passages, root, links, on_the_way={root, *consumers})
        names = {name for name, _ in readouts}
        blocks = blocks_in(passages, readouts=names)
        places = blocks | joins(passages, dominators, blocks=blocks, readouts=names)
        found: list[tuple[Found, Passage]] = []
        for passage in (each for each in passages if each.key not in readouts):
            in_profile = not any(passage.key[0].startswith(f"{name}.") for name in blocks)
            sites = self._sites_of(passage, passages, consumers, blocks=places, in_profile=in_profile)
            found += [(each, passage) for each in sites]
        return _along_paths(found, passages, root, links), names

    def _sites_of(
        self,
        passage: Passage,
        passages: Sequence[Passage],
        consumers: dict[Node, list[Node]],
        *,
        blocks: set[str],
        in_profile: bool,
    ) -> Iterator[Found]:
        if passage.weighted:
            yield from _pre_activation(passage, passages, consumers, in_profile=in_profile)
        elif isinstance(passage.module, CELLS) and passage.key[1] < MOST_STATES:
            yield from _state(passage)
        elif isinstance(passage.module, FUSED) and passage.key[1] == 0:
            yield from _time_steps(passage)
        elif passage.key[0] in blocks:
            yield from _block(passage, passages)
        elif passage.attention is not None and passage.key[0] and passage.value.ndim >= 2:
            yield _found(_name(passage.key), "attention", passage, axis=-1, in_profile=False)

    def _take_attentions(self, passages: Sequence[Passage]) -> None:
        """Of modules that are called once, take what was measured when a checkpoint computed them again."""
        calls = Counter(passage.key[0] for passage in passages)
        for passage in passages:
            if passage.attention is None and calls[passage.key[0]] == 1:
                passage.attention = self._again.get(passage.key[0])

    def attention(self, found: Sequence[Found]) -> Tensor | None:
        """[2, L]: what was measured of attention in that step; NaN at the other sites, None if there is none."""
        by_key = {passage.key: passage.attention for passage in self.passages}
        return beside([by_key[each.key] if each.attends else None for each in found])

    def uses(self, found: Sequence[Found]) -> int:
        """Samples times positions of the layer with most of them, all of its calls together; 1 without sites."""
        by_key = {passage.key: passage for passage in self.passages}
        entries = {each.key: by_key[each.key].value.numel() // each.info.units for each in found}
        uses: Counter[str] = Counter()
        for (name, _), count in entries.items():
            uses[name] += count
        return max(uses.values(), default=1)

    def values(self, found: Sequence[Found]) -> dict[str, Tensor]:
        """The sites in that step, each with its gradient; none if one was changed in place and had not been copied."""
        by_key = {passage.key: passage for passage in self.passages}
        if any(by_key[key].is_lost for each in found for key in (each.key, each.after) if key is not None):
            return {}
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


def _readouts(passages: Sequence[Passage], root: Node, links: Links, *, on_the_way: set[Node]) -> list[Key]:
    """The calls of the weighted layers behind which no other weighted layer lies on the way to the loss.

    A network with several heads has one for each. One that is not on the way to the loss counts if it came last.
    """
    weighted = [passage for passage in passages if passage.weighted]
    under = reached_by([each.leave for each in weighted], root, links)
    before = set[int]().union(*under)
    last = weighted[-1].key[0] if weighted else ""
    ends = (each for index, each in enumerate(weighted) if index not in before)
    return [each.key for each in ends if each.key[0] == last or each.leave in on_the_way]


def _along_paths(
    found: Sequence[tuple[Found, Passage]], passages: Sequence[Passage], root: Node, links: Links
) -> list[Found]:
    """The sites, each with its path over the depth."""
    by_key = {passage.key: passage for passage in passages}
    over_depth = [(each, of) for each, of in found if each.info.in_profile and not each.info.group]
    places = [
        Place(
            each.info.name,
            by_key[each.key].leave,
            entry=of.entry if each.info.kind == "block_output" else None,
            entries=by_key[each.key].value.numel() // each.info.units,
        )
        for each, of in over_depth
    ]
    path_of = {place.name: path for place, path in zip(places, paths_of(places, root, links), strict=True)}
    placed = []
    for each, _ in found:
        path = path_of.get(each.info.name, "")
        in_profile = each.info.in_profile and path is not None
        info = replace(each.info, in_profile=in_profile, path=path or "")
        placed.append(replace(each, info=info, site=replace(each.site, in_profile=in_profile)))
    return placed


def _pre_activation(
    passage: Passage, passages: Sequence[Passage], consumers: dict[Node, list[Node]], *, in_profile: bool
) -> Iterator[Found]:
    tapped = passage
    while (norm := _next(tapped, passages)) is not None and isinstance(norm.module, NORMS):
        if not reads_alone(norm.entry, norm.leave, consumers):
            break  # another block's norm, beside which the skip connection passes
        tapped = norm
    if tapped.value.ndim < 2:
        return
    following = _next(tapped, passages)
    activation = activation_of_module(following.module) if following is not None else None
    after, compute = (following.key, None) if following is not None and activation is not None else (None, None)
    if activation is None and not _activates(tapped):
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


def _activates(tapped: Passage) -> bool:
    """Whether a layer's norm is one module with what follows it, an activation (timm's `BatchNormAct2d`)."""
    return isinstance(tapped.module, NORMS) and next(tapped.module.children(), None) is not None


def _next(passage: Passage, passages: Sequence[Passage]) -> Passage | None:
    """The module that takes a module's output, if there is one."""
    for each in passages:
        takes = each.entry is passage.leave and each is not passage
        if takes and (isinstance(each.module, NORMS) or activation_of_module(each.module) is not None):
            return each
    return None


def applied(found: Found, value: Tensor) -> Tensor:
    """phi(site), computed again if the program calls a function for it."""
    with torch.no_grad():
        made: Tensor = found.compute(value.detach()) if found.compute is not None else value
    return made


def _state(passage: Passage) -> Iterator[Found]:
    name, step = passage.key
    yield _found(f"{name}.t{step}", "state", passage, axis=-1, in_profile=True, group=name)


def _time_steps(passage: Passage) -> Iterator[Found]:
    """The input of each time step of a recurrent layer; none if there are too many."""
    axis = 1 if passage.module.batch_first else 0
    if passage.value.shape[axis] <= MOST_STATES:
        name = passage.key[0]
        for step in range(passage.value.shape[axis]):
            yield _found(f"{name}.t{step}", "state", passage, axis=-1, in_profile=True, group=name, at=(axis, step))


def _block(passage: Passage, passages: Sequence[Passage]) -> Iterator[Found]:
    axis = _unit_axis(passage, [each for each in passages if each.key[0].startswith(f"{passage.key[0]}.")])
    yield _found(_name(passage.key), "block_output", passage, axis=axis, in_profile=True)


def _unit_axis(block: Passage, inside: Sequence[Passage]) -> int:
    """The axis of a block's units: the first of images and series that convolutions make, else the last (Swin)."""
    layers = [each for each in inside if each.weighted]
    if block.value.ndim >= 4:
        return 1 if not layers or any(isinstance(each.module, CHANNELS_FIRST) for each in layers) else -1
    if block.value.ndim < 3 or not layers or not isinstance(layers[-1].module, CHANNELS_FIRST):
        return -1
    return 1 if block.value.shape[1] == layers[-1].value.shape[1] else -1


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
        dtype=name_of(tapped.value.dtype),
    )
    return Found(site, info, tapped.key, after, compute, tapped.changed, at, tapped.attention is not None)


def _name(key: Key) -> str:
    """A module that is called several times has a site for each call."""
    return key[0] if key[1] == 0 else f"{key[0]}.call{key[1]}"
