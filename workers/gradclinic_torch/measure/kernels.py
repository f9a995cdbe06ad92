"""Compiled loops over many float32 tensors: each reads its numbers once, and adds in float64.

Every tensor is an address and a number of entries. Vectors of k tensors are [k]. A sum may be added in any order; no
other liberty is taken with NaN, infinity and numbers below the smallest normal one. Magnitudes are compared as
integers, because the bits of a float without its sign rise with its size, from 0 over infinity to NaN.

The machine code is kept on disk, beside this file or in the user's cache, so that only a machine's first recording
compiles it (seconds).
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt
from numba.extending import intrinsic

Numbers = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

SIGNLESS, SMALLEST_NORMAL, INFINITE = np.int32(0x7FFFFFFF), np.int32(0x00800000), np.int32(0x7F800000)
PART = 4096
"""Entries that are read together: 16 kB."""
ROWS = 8
"""Samples between two looks whether all units are marked."""
REORDERED = {"reassoc", "contract", "nsz"}


Loop = TypeVar("Loop", bound=Callable[..., Any])


def _compiled(loop: Loop) -> Loop:
    try:
        return cast("Loop", numba.njit(cache=True, fastmath=REORDERED)(loop))
    except RuntimeError:  # no folder to keep it in
        return cast("Loop", numba.njit(fastmath=REORDERED)(loop))


def _pointer_to(kind: Any) -> Callable[[int], Any]:
    """A function of an address: the pointer to numbers of that kind there."""

    def pointer(_: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

        return numba.types.CPointer(kind)(address), generate

    return cast("Callable[[int], Any]", intrinsic(pointer))


_floats, _bits = _pointer_to(numba.float32), _pointer_to(numba.int32)


@_compiled
def squares(addresses: Integers, entries: Integers, found: Numbers) -> None:
    """Sum of squares of each tensor."""
    for index in range(len(addresses)):
        values = numba.carray(_floats(addresses[index]), entries[index])
        total = 0.0
        for value in values:
            total += np.float64(value) * np.float64(value)
        found[index] = total


@_compiled
def square_sum(address: int, entries: int) -> float:
    """Sum of squares of one tensor."""
    total = 0.0
    for value in numba.carray(_floats(address), entries):
        total += np.float64(value) * np.float64(value)
    return total


@_compiled
def differences(addresses: Integers, others: Integers, entries: Integers, found: Numbers) -> None:
    """[2, k]: sums of squares of each tensor, and of what differs from another one."""
    for index in range(len(addresses)):
        values = numba.carray(_floats(addresses[index]), entries[index])
        before = numba.carray(_floats(others[index]), entries[index])
        own, moved = 0.0, 0.0
        for place in range(entries[index]):
            value = np.float64(values[place])
            step = value - np.float64(before[place])
            own += value * value
            moved += step * step
        found[0, index], found[1, index] = own, moved


@_compiled
def products(addresses: Integers, others: Integers, entries: Integers) -> tuple[float, float, float]:
    """Sums over all tensors: of their squares, of those of other tensors, and of their products."""
    own, before, both = 0.0, 0.0, 0.0
    for index in range(len(addresses)):
        values = numba.carray(_floats(addresses[index]), entries[index])
        compared = numba.carray(_floats(others[index]), entries[index])
        for place in range(entries[index]):
            a, b = np.float64(values[place]), np.float64(compared[place])
            own += a * a
            before += b * b
            both += a * b
    return own, before, both


@_compiled
def products_kept(
    addresses: Integers, others: Integers, kept: Integers, entries: Integers
) -> tuple[float, float, float]:
    """What `products` returns; each tensor is also copied to the addresses of those that are kept.

    The copy is a loop of its own, while a core's cache still holds the tensor: in one loop with the sums, neither is
    computed on several numbers at a time.
    """
    own, before, both = 0.0, 0.0, 0.0
    for index in range(len(addresses)):
        values = numba.carray(_floats(addresses[index]), entries[index])
        compared = numba.carray(_floats(others[index]), entries[index])
        copy = numba.carray(_floats(kept[index]), entries[index])
        for place in range(entries[index]):
            a, b = np.float64(values[place]), np.float64(compared[place])
            own += a * a
            before += b * b
            both += a * b
        for place in range(entries[index]):
            copy[place] = values[place]
    return own, before, both


@_compiled
def largest_sizes(addresses: Integers, entries: Integers, found: Integers) -> None:
    """The bits of the largest size of each tensor."""
    for index in range(len(addresses)):
        largest = np.int32(0)
        for each in numba.carray(_bits(addresses[index]), entries[index]):
            largest = max(largest, np.int32(each & SIGNLESS))
        found[index] = largest


@_compiled
def levels(addresses: Integers, entries: int, sums: Numbers, counts: Integers) -> None:
    """[3, k]: sums of each tensor's entries, of their sizes, and of their squares.

    [4, k]: how many entries are 0, how many are smaller than the smallest normal number, how many are not finite; and
    the bits of the largest size. Each part is read twice, the second time from a core's smallest cache.
    """
    for index in range(len(addresses)):
        total, size, square = 0.0, 0.0, 0.0
        zeros, below, infinite, largest = np.int32(0), np.int32(0), np.int32(0), np.int32(0)
        values = numba.carray(_floats(addresses[index]), entries)
        bits = numba.carray(_bits(addresses[index]), entries)
        for start in range(0, entries, PART):
            for value in values[start : start + PART]:
                number = np.float64(value)
                total += number
                size += abs(number)
                square += number * number
            for each in bits[start : start + PART]:
                signless = np.int32(each & SIGNLESS)
                zeros = np.int32(zeros + np.int32(signless == 0))
                below = np.int32(below + np.int32(signless < SMALLEST_NORMAL))
                infinite = np.int32(infinite + np.int32(signless >= INFINITE))
                largest = max(largest, signless)
        sums[0, index], sums[1, index], sums[2, index] = total, size, square
        counts[0, index], counts[1, index], counts[2, index], counts[3, index] = zeros, below, infinite, largest


@_compiled
def outside(addresses: Integers, entries: int, bounds: npt.NDArray[np.float32], found: Numbers) -> None:
    """How many entries of each tensor are below or above its own bounds [k, 2]; NaN is neither."""
    for index in range(len(addresses)):
        low, high, count = bounds[index, 0], bounds[index, 1], np.int32(0)
        for value in numba.carray(_floats(addresses[index]), entries):
            count = np.int32(count + np.int32((value < low) | (value > high)))
        found[index] = count


@_compiled
def deviations(addresses: Integers, samples: int, entries: int, found: Numbers) -> None:
    """Of k tensors [samples, entries], the sum of squares of what differs from the mean over the samples.

    Entries are shifted by those of the first sample, so that little is lost where all samples are nearly equal.
    """
    totals, squared = np.empty(entries), np.empty(entries)
    for index in range(len(addresses)):
        values = numba.carray(_floats(addresses[index]), (samples, entries))
        totals[:] = 0.0
        squared[:] = 0.0
        for sample in range(1, samples):
            for place in range(entries):
                shifted = np.float64(values[sample, place]) - np.float64(values[0, place])
                totals[place] += shifted
                squared[place] += shifted * shifted
        total = 0.0
        for place in range(entries):
            total += max(0.0, squared[place] - totals[place] * totals[place] / samples)
        found[index] = total


@_compiled
def mark_inside(
    address: int, shape: tuple[int, int, int], bounds: tuple[np.float32, np.float32], inside: npt.NDArray[np.int32]
) -> None:
    """Set those units of a tensor, [outer, units, inner], to 1 that are not at or beyond the bounds at some entry.

    What is 1 already is not read again.
    """
    outer, units, inner = shape
    low, high = bounds
    values = numba.carray(_floats(address), shape)
    for first in range(outer):
        if inner == 1:
            if first % ROWS == 0 and inside.sum() == units:
                return
            for unit in range(units):
                value = values[first, unit, 0]
                inside[unit] |= np.int32(not (value <= low or value >= high))
        else:
            for unit in range(units):
                if inside[unit]:
                    continue
                found = np.int32(0)
                for last in range(inner):
                    value = values[first, unit, last]
                    found |= np.int32(not (value <= low or value >= high))
                inside[unit] |= found
