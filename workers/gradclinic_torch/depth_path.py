"""The paths over depth of layer outputs: along a path, the whole gradient of each output comes through the next.

The order of calls is not the graph. An encoder and its decoder, two towers, or a gate and what it multiplies are called
one after the other, and the gradient that arrives at one has not passed the others. A gradient that is smaller at one
of them than at another is no loss over the depth. Neither is one that comes to all positions (tokens, pixels) from
the one of them that went on, or from their mean: there a path ends, and another begins.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from gradclinic.measurements.profile import MIN_SITES

from .graph import Links, Node, dominators_of, reached_by, reduces


@dataclass(frozen=True)
class Place:
    """Where a layer's output, or a block's, stands in the autograd graph."""

    name: str
    leave: Node
    entry: Node | None
    """Of a block: where its input stands, from which its path comes; what else goes in is on another path."""
    entries: int
    """Numbers for each unit: samples times positions (tokens, pixels)."""


def paths_of(places: Sequence[Place], root: Node, links: Links) -> list[str | None]:
    """For each place, in the order of calls, the path that it lies on; None if that is too short to be judged.

    "" is the longest path, of several the first; each other path is called by the name of its first place. Where no
    path has three places (a program that adds to a stream of its own outside of any module), the longest sequence is
    taken in which each place is reached from the one before, by whatever ways.
    """
    dominators = dominators_of(root, links)
    reached = reached_by([place.leave for place in places], root, links)
    chains = _chains(_next_places(places, dominators), reached)
    if all(len(chain) < MIN_SITES for chain in chains):
        chains = [_longest_sequence(reached)]
    chains = sorted((chain for chain in chains if chain), key=lambda chain: (-len(chain), chain[0]))
    found: list[str | None] = [None] * len(places)
    for number, chain in enumerate(chains):
        for index in chain:
            if len(chain) >= MIN_SITES or number == 0:
                found[index] = places[chain[0]].name if number else ""
    return found


def _next_places(places: Sequence[Place], dominators: Mapping[Node, Node | None]) -> list[int | None]:
    """For each place the nearest one that all of its gradient comes through, if it goes in there as the input.

    None where of its positions one goes on, or their mean: before that, each has only a fraction of the gradient.
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
    """The places in chains.

    Where several lead to one place, the one goes on that all others come from too: it is passed on beside them, as a
    signal beside its gate. Without such a one the longest way goes on, of several the last called.
    """
    before: dict[int, list[int]] = {}
    for index, follower in enumerate(after):
        if follower is not None:
            before.setdefault(follower, []).append(index)
    chain_to: dict[int, list[int]] = {}
    for last in sorted(range(len(after)), key=lambda index: len(reached[index])):  # those that it comes from, first
        ways = before.get(last, [])
        origin = [way for way in ways if all(way in reached[other] for other in ways if other != way)]
        goes_on = max(origin or ways, key=lambda way: (len(chain_to[way]), way), default=None)
        chain_to[last] = [last] if goes_on is None else [*chain_to.pop(goes_on), last]
    return list(chain_to.values())


def _longest_sequence(reached: Sequence[Set[int]]) -> list[int]:
    """The longest sequence in which each place is reached from the one before."""
    best: list[list[int]] = []
    for index, before in enumerate(reached):
        ways = [best[other] for other in range(index) if other in before]
        best.append([*max(ways, key=len, default=[]), index])
    return max(best, key=len, default=[])
