"""Observes the known sites: in most steps only norms, in full steps the complete tensors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import nan, sqrt
from typing import Any

import torch
from torch import Tensor, nn

from ..measure.reductions import joined_norms, known_norm, sent, units_inside
from ..model.hooks import Key
from ..model.passage import is_computed_again, state_of
from ..model.placement import is_measured
from .attention import Attentions, beside, together
from .discovery import Found, applied

SAMPLES = 256
"""A unit counts as dead if it was off on at least this many samples, as in a probe."""


@dataclass
class _Caught:
    """One tensor at a site, and its gradient."""

    value: Tensor | None
    phi: Tensor | None = None
    gradient: Tensor | None = None
    norm: Tensor | float | None = None
    attention: Tensor | None = None
    seen: bool = False
    """Whether a gradient has come back."""
    entries: int = 0


@dataclass(frozen=True)
class _Pass:
    """One call of the whole model."""

    samples: int


class Taps:
    """Observes one training step."""

    probing = False

    def __init__(
        self,
        found: Sequence[Found],
        *,
        full: bool,
        safely: Callable[[Callable[[], None]], None],
        gradients: bool = True,
        units: "Units | None" = None,
    ) -> None:
        """Take the gradients at the sites, and if full, their values; show the values to `units`.

        safely: calls a function inside a backward pass, which goes on if it fails.
        """
        self._safely = safely
        self.whole = full
        self._found, self._full, self._gradients, self._units = found, full, gradients, units
        self._places: dict[Key, list[int]] = {}
        for index, each in enumerate(found):
            self._places.setdefault(each.key, []).append(index)
        self._afters = {each.after: index for index, each in enumerate(found) if each.after is not None}
        self._caught: list[list[_Caught]] = [[] for _ in found]
        """By site, what something came back to; the rest is let go with the graph that it belongs to."""
        self._latest: list[_Caught | None] = [None for _ in found]
        self._attending = {each.key for each in found if each.attends} if full else set()
        self._attentions = Attentions()
        self._pass = _Pass(0)
        self._passes: list[_Pass] = []
        self._latest_pass: _Pass | None = None
        """The one that something came back to last."""

    @property
    def samples(self) -> int:
        """Number of samples in the passes that received a gradient."""
        return sum(each.samples for each in self._passes)

    def begins(self, samples: int) -> None:
        self._pass = _Pass(samples)

    def enters(self, key: Key, module: nn.Module, tensor: Tensor | None) -> None:
        if key in self._attending or self._is_again(key):
            self._attentions.enters(key)

    def leaves(self, key: Key, module: nn.Module, output: Any) -> None:
        tensor = state_of(module, output)
        if tensor is None or not is_measured(tensor):
            return
        places = self._places.get(key)
        if places is not None and tensor.requires_grad:
            if self._units is not None:
                for index in places:
                    at = self._found[index].at
                    self._units.see(index, tensor if at is None else tensor.select(*at))
            if self._gradients:
                self._catch(places, tensor)
                if key in self._attending and (caught := self._latest[places[0]]) is not None:
                    caught.attention = self._attentions.leaves(key, tensor)
        elif self._is_again(key) and (caught := self._latest[self._places[key[0], 0][0]]) is not None:
            caught.attention = self._attentions.leaves(key, tensor)
        after = self._afters.get(key)
        latest = self._latest[after] if after is not None else None
        if latest is not None and self._full:
            latest.phi = tensor.detach()

    def _is_again(self, key: Key) -> bool:
        """Whether a checkpoint computes an attention again, of a module that is called once."""
        attends = (key[0], 0) in self._attending and (key[0], 1) not in self._attending
        return attends and key[1] > 0 and is_computed_again()

    def rms(self) -> Tensor | None:
        """[L]: RMS of the gradient at each site, NaN if it was not seen; None if one over the depth was not."""
        norms: list[Tensor | float] = []
        sites: list[int] = []
        entries = [0] * len(self._caught)
        for index, caught in enumerate(self._caught):
            for each in caught:
                if each.norm is not None:
                    norms.append(each.norm)
                    sites.append(index)
                    entries[index] += each.entries
        lost = any(not count and site.info.in_profile for site, count in zip(self._found, entries, strict=True))
        if lost or not norms:
            return None
        together = joined_norms(norms)
        if sites != list(range(len(entries))):
            places = sent(tuple(sites), torch.long, together.device)
            squares = together.new_zeros(len(entries)).index_add_(0, places, together.square())
            together = squares.sqrt()
        roots = tuple(sqrt(count) if count else nan for count in entries)
        return together / sent(roots, together.dtype, together.device)

    def values(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The tensors of the sites that were seen, and their gradients, of all passes together.

        Both are empty if one over the depth was not seen.
        """
        kept: dict[str, Tensor] = {}
        gradients: dict[str, Tensor] = {}
        for each, caught in zip(self._found, self._caught, strict=True):
            known = [one for one in caught if one.value is not None and one.gradient is not None]
            if not known and each.info.in_profile:
                return {}, {}
            if not known:
                continue  # a part that only some samples go through, such as an expert
            value = _joined([one.value for one in known]).detach()
            kept[each.site.tap] = value
            gradients[each.site.tap] = _joined([one.gradient for one in known]).to(value.dtype)
            if each.site.output is not None:
                phis = [one.phi for one in known]
                kept[each.site.output] = applied(each, value) if any(phi is None for phi in phis) else _joined(phis)
        return kept, gradients

    def attention(self) -> Tensor | None:
        """[2, L]: what was measured of attention, over all passes; NaN at the other sites, None if there is none."""
        return beside(
            [together([one.attention for one in caught if one.attention is not None]) for caught in self._caught]
        )

    def _catch(self, places: Sequence[int], tensor: Tensor) -> None:
        """Hold a tensor, or one of each of its time steps, and take the gradient that comes back."""
        at = self._found[places[0]].at
        value = tensor.detach()
        if self._full and self._found[places[0]].copies:
            value = value.clone()
        values = [value] if at is None else value.unbind(at[0])
        if len(values) != len(places):
            return
        now = self._pass
        caught = [_Caught(each if self._full else None, entries=each.numel()) for each in values]
        for index, each in zip(places, caught, strict=True):
            self._latest[index] = each

        def take(gradient: Tensor) -> None:
            gradient = gradient.detach()
            for index, each, one in zip(
                places, caught, [gradient] if at is None else gradient.unbind(at[0]), strict=True
            ):
                if not each.seen:
                    self._caught[index].append(each)
                each.seen = True
                if self._full:
                    each.gradient = one
                else:
                    each.norm = known_norm(one)
            if self._latest_pass is not now:
                self._latest_pass = now
                if not any(each is now for each in self._passes):
                    self._passes.append(now)

        tensor.register_hook(  # type: ignore[no-untyped-call]  # torch's own
            lambda gradient: self._safely(lambda: take(gradient))
        )


class ProbeTaps:
    """Observes a probe's forward pass at the sites whose units can die."""

    probing = True
    whole = False

    def __init__(self, found: Sequence[Found]) -> None:
        self._mortal = {each.key: each for each in found if each.info.can_die}
        self.values: dict[str, Tensor] = {}

    def begins(self, samples: int) -> None: ...

    def enters(self, key: Key, module: nn.Module, tensor: Tensor | None) -> None: ...

    def leaves(self, key: Key, module: nn.Module, output: Any) -> None:
        each, tensor = self._mortal.get(key), state_of(module, output)
        if each is not None and tensor is not None:
            self.values[each.site.tap] = tensor.detach().clone() if each.copies else tensor.detach()

    @property
    def complete(self) -> bool:
        """Whether every such site was seen."""
        return len(self.values) == len(self._mortal)


class Units:
    """Which units were off on every sample of some steps, where nothing is probed."""

    def __init__(self, found: Sequence[Found]) -> None:
        self._found = found
        self._inside: dict[int, Tensor] = {}
        self._samples = 0
        self._since: int | None = None
        self._wanted = False

    @property
    def looks(self) -> bool:
        """Whether units are being looked at."""
        return self._wanted

    def begin(self) -> None:
        """Look at the units of the next steps, until 256 samples have been seen, or no unit can count as off."""
        self._wanted = any(each.info.can_die for each in self._found)

    def see(self, index: int, value: Tensor) -> None:
        """Look at the values of one site."""
        site = self._found[index].site
        if self._found[index].info.can_die and site.activation is not None:
            before = self._inside.get(index)
            bounds = site.activation.zero_gradient
            self._inside[index] = units_inside(value.detach(), bounds, site.unit_axis, besides=before)

    def saw(self, step: int, *, samples: int) -> tuple[int, Tensor] | None:
        """Since which step, and [L], each site's fraction of units that were off throughout, NaN where none can die.

        None until 256 samples have been seen at every site, or every unit was on at some; then the look ends.
        """
        mortal = [index for index, each in enumerate(self._found) if each.info.can_die]
        if not self._inside.keys() >= set(mortal):
            return None
        since = self._since = step if self._since is None else self._since
        self._samples += samples
        if self._samples < SAMPLES and not all(bool(self._inside[index].all()) for index in mortal):
            return None
        found = self._inside[mortal[0]].new_full((len(self._found),), float("nan"), dtype=torch.float64)
        for index in mortal:
            found[index] = 1.0 - self._inside[index].double().mean()
        self._inside, self._samples, self._since, self._wanted = {}, 0, None, False
        return since, found


def _joined(tensors: Sequence[Tensor | None]) -> Tensor:
    known = [tensor for tensor in tensors if tensor is not None]
    return known[0] if len(known) == 1 else torch.cat(known)
