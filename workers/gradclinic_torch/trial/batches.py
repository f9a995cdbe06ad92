"""The batches of a study: the same ones for every arm that is trained with a seed."""

from collections.abc import Callable, Iterable, Iterator, Sized
from itertools import islice

from torch import Tensor

from gradclinic.kernel.errors import InvalidRequest

from ..remedies.joining import Batch, join

Batches = Iterable[Batch] | Callable[[int], Iterable[Batch]]
"""Batches that can be gone through again and again, such as a list or a DataLoader; or a function of the seed."""
PROBE = 256
"""Samples of a probe."""


def of_seed(batches: Batches, seed: int) -> Iterable[Batch]:
    """The batches of one training; raises InvalidRequest for what can be gone through only once."""
    if callable(batches):
        return batches(seed)
    if isinstance(batches, Iterator):
        raise InvalidRequest.at(
            "/batches",
            "this iterator can be gone through only once, but every arm needs the same batches",
            allowed="a list, a DataLoader, or a function that returns the batches of a seed",
        )
    return batches


def first_of(batches: Batches, seed: int) -> Batch:
    """The first batch; raises InvalidRequest if there is none."""
    for batch in of_seed(batches, seed):
        return batch
    raise _none()


def steps_in(batches: Iterable[Batch]) -> int:
    """The number of batches; raises InvalidRequest if they do not say it, or there are none."""
    if not isinstance(batches, Sized):
        raise InvalidRequest.at("/steps", "the batches have no length", allowed="the number of steps")
    if len(batches) == 0:
        raise _none()
    return len(batches)


def _none() -> InvalidRequest:
    return InvalidRequest.at("/batches", "there are no batches", allowed="at least one")


def repeated(batches: Batches, *, seed: int, steps: int, joined: int = 1) -> Iterator[Batch]:
    """`steps` batches, each of them `joined` batches in one; goes through the batches again as often as needed."""
    endless = _endless(batches, seed)
    for _ in range(steps):
        group = list(islice(endless, joined))
        if len(group) < joined:
            return
        yield group[0] if joined == 1 else join(group)


def _endless(batches: Batches, seed: int) -> Iterator[Batch]:
    while True:
        empty = True
        for batch in of_seed(batches, seed):
            empty = False
            yield batch
        if empty:
            return


def probe_of(batches: Iterable[Batch]) -> tuple[Tensor, Tensor] | None:
    """About 256 samples of the first batches as (inputs, targets); None if batches do not have this form."""
    chosen: list[Batch] = []
    samples = 0
    for batch in batches:
        pair = batch if isinstance(batch, tuple | list) and len(batch) == 2 else ()
        if len(pair) != 2 or not all(isinstance(each, Tensor) and each.ndim > 0 for each in pair):
            return None
        chosen.append(tuple(pair))
        samples += len(pair[1])
        if samples >= PROBE:
            break
    if not chosen:
        return None
    inputs, targets = join(chosen)
    return inputs[:PROBE], targets[:PROBE]
