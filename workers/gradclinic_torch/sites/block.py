"""Finds the blocks of a model, whose outputs make up the depth of the model."""

from collections.abc import Iterable, Mapping, Sequence

from ..model.graph import Node, adds_its_input
from ..model.passage import Passage


def blocks_in(passages: Sequence[Passage], *, readouts: Iterable[str]) -> set[str]:
    """Names of the modules that count as blocks, whose insides are no part of the depth.

    Such are those that add their input to what they make of it, and those that a checkpoint is all of. The first of
    them, below which all is frozen, has no input that gradients come to: it is one if others of its class are.
    """
    containers = _containers(passages, readouts=readouts)
    blocks = _residual(passages, [each for each in containers if each.entry is not None])
    blocks |= {each.key[0] for each in containers if _is_checkpoint(each, passages)}
    alike = {type(each.module) for each in containers if each.key[0] in blocks}
    return blocks | {each.key[0] for each in containers if each.entry is None and type(each.module) in alike}


def _residual(passages: Sequence[Passage], containers: Sequence[Passage]) -> set[str]:
    """Names of the modules that add their input to what they make of it.

    Of such a module inside another the inner one counts, but for one that makes up only a part of a block around it:
    if the outer one passes its input on as it is and has weights outside of the inner ones.
    """
    added = {each.key[0]: each for each in containers if adds_its_input(each.entry, each.leave)}
    weighted = {each.key[0] for each in passages if each.weighted}
    blocks: set[str] = set()
    for name in sorted(added, key=lambda name: -name.count(".")):
        inner = {other for other in blocks if _holds(name, other)}
        apart = [each for each in weighted if _holds(name, each) and not any(_holds(other, each) for other in inner)]
        if not inner:
            blocks.add(name)
        elif apart and adds_its_input(added[name].entry, added[name].leave, unchanged=True):
            blocks = (blocks - inner) | {name}
    return blocks


def joins(
    passages: Sequence[Passage],
    dominators: Mapping[Node, Node | None],
    *,
    blocks: Iterable[str],
    readouts: Iterable[str],
) -> set[str]:
    """Names of the modules, outside of blocks, inside which a signal goes several ways at once that come together.

    Such as Inception's modules: none of the layers inside sees the whole gradient, the module's output does.
    """
    inside: dict[str, list[Node]] = {}
    for passage in passages:
        name = passage.key[0]
        while name:
            name = name.rpartition(".")[0]
            inside.setdefault(name, []).append(passage.leave)
    found = set()
    for each in _containers(passages, readouts=readouts):
        name = each.key[0]
        related = any(name == block or _holds(name, block) or _holds(block, name) for block in blocks)
        if not related and _splits(each, set(inside.get(name, ())), dominators):
            found.add(name)
    return {name for name in found if not any(_holds(other, name) for other in found)}


def _containers(passages: Sequence[Passage], *, readouts: Iterable[str]) -> list[Passage]:
    """The calls of modules that contain weighted layers, except those that contain the readout."""
    outer = tuple(readouts)
    around: set[str] = set()
    for passage in passages:
        name = passage.key[0] if passage.weighted else ""
        while name := name.rpartition(".")[0]:
            around.add(name)
    return [
        passage
        for passage in passages
        if passage.key[0] in around and passage.value.ndim >= 2
        if not any(_holds(passage.key[0], name) for name in outer)
    ]


def _is_checkpoint(passage: Passage, passages: Sequence[Passage]) -> bool:
    return any(each.again is passage.leave for each in passages)


def _splits(passage: Passage, inside: set[Node], dominators: Mapping[Node, Node | None]) -> bool:
    """Whether the whole signal passes this module's output, but no single place inside."""
    node = passage.entry
    while node is not None and node is not passage.leave:
        node = dominators.get(node)
        if node in inside and node is not passage.leave:
            return False
    return node is not None


def _holds(name: str, other: str) -> bool:
    return other.startswith(f"{name}.")
