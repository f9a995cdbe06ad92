"""Sorts layer outputs into paths over depth. Along a path, all of an output's gradient comes through the next output.

Modules that are called one after the other need not lie on one path. An encoder and its decoder, two towers, or a gate
and the signal that it multiplies each get their gradient by another way. A smaller gradient at one of them than at
another says nothing about depth. A path also ends where only one of many positions (tokens, pixels), or their mean, is
used: each position before that place gets only a part of the gradient.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from gradclinic.measurements.profile import MIN_SITES

from ..model.graph import Links, Node, dominators_of, reached_by, reduces


@dataclass(frozen=True)
class Place:
    """Where a layer's output, or a block's, stands in the autograd graph."""

    name: str
    leave: Node
    entry: Node | None
    """The node of a block's input. What else enters the block lies on another path. None for a layer."""
    entries: int
    """Numbers for each unit: samples times positions (tokens, pixels)."""


def paths_of(places: Sequence[Place], root: Node, links: Links) -> list[str | None]:
    """The path of each place, in the order of calls; None if the path is too short to be judged.

    The longest path is "" (the first of several), and each other path has the name of its first place. If no path has
    three places, for example because the program adds to a residual stream outside of any module, the path is the
    longest sequence in which each place can be reached from the one before, without such an end between them.
    """
    dominators = dominators_of(root, links)
    reached = reached_by([place.leave for place in places], root, links)
    chains = _chains(_next_places(places, dominators), reached)
    if all(len(chain) < MIN_SITES for chain in chains):
        chains = [_longest_sequence(_without_reduced(places, reached, dominators))]
    chains = sorted((chain for chain in chains if chain), key=lambda chain: (-len(chain), chain[0]))
    found: list[str | None] = [None] * len(places)
    for number, chain in enumerate(chains):
        for index in chain:
            if len(chain) >= MIN_SITES or number == 0:
                found[index] = places[chain[0]].name if number else ""
    return found


def _next_places(places: Sequence[Place], dominators: Mapping[Node, Node | None]) -> list[int | None]:
    """For each place, the nearest later place that all of its gradient comes through and whose input it is.

    None if only one of its positions is used, or their mean.
    """
    by_node = {place.leave: index for index, place in enumerate(places)}
    found: list[int | None] = []
    for place in places:
        passed, node = [place.leave], dominators.get(place.leave)
        while node is not None and node not in by_node:
            passed.append(node)
            node = dominators[node]
        after = by_node[node] if node is not None else None
        follows = after is not None and (places[after].entry is None or places[after].entry in passed)
        if after is not None and places[after].entries < place.entries and any(map(reduces, passed)):
            follows = False
        found.append(after if follows else None)
    return found


def _chains(after: Sequence[int | None], reached: Sequence[Set[int]]) -> list[list[int]]:
    """The places, joined to chains.

    If several chains lead to one place, the one that continues is the one from which all others start, as a signal
    continues beside its gate. If there is none, the longest chain continues, or of equally long ones the last called.
    """
    before: dict[int, list[int]] = {}
    for index, follower in enumerate(after):
        if follower is not None:
            before.setdefault(follower, []).append(index)
    chain_to: dict[int, list[int]] = {}
    for last in sorted(range(len(after)), key=lambda index: len(reached[index])):  # a place after all that lead to it
        ways = before.get(last, [])
        origin = [way for way in ways if all(way in reached[other] for other in ways if other != way)]
        goes_on = max(origin or ways, key=lambda way: (len(chain_to[way]), way), default=None)
        chain_to[last] = [last] if goes_on is None else [*chain_to.pop(goes_on), last]
    return list(chain_to.values())


def _without_reduced(
    places: Sequence[Place], reached: Sequence[Set[int]], dominators: Mapping[Node, Node | None]
) -> list[set[int]]:
    """For each place, those that it is reached from with all of their positions."""
    reductions = [{node for node in _after(place.leave, dominators) if reduces(node)} for place in places]

    def wholly(index: int, other: int) -> bool:
        return places[index].entries >= places[other].entries or reductions[other] <= reductions[index]

    return [{other for other in before if wholly(index, other)} for index, before in enumerate(reached)]


def _after(node: Node | None, dominators: Mapping[Node, Node | None]) -> Iterator[Node]:
    """The node and all that its gradient comes through, up to the loss."""
    while node is not None:
        yield node
        node = dominators.get(node)


def _longest_sequence(reached: Sequence[Set[int]]) -> list[int]:
    """The longest sequence in which each place is reached from the one before."""
    best: list[list[int]] = []
    for index, before in enumerate(reached):
        ways = [best[other] for other in range(index) if other in before]
        best.append([*max(ways, key=len, default=[]), index])
    return max(best, key=len, default=[])
