"""Series as rows: one value of one statistic in one layer at one step."""

import importlib.util
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..measurements.sampling import Sampled
from ..use_cases.statistic import Named

Selection = Sequence[tuple[Named, Sampled]]


def columns(*, both: bool) -> tuple[str, ...]:
    """Names of a row's fields; `both` for the two extremes of a bucket."""
    return ("statistic", "layer", "step", *(("minimum", "maximum") if both else ("value",)))


def rows_of(selection: Selection, *, both: bool) -> Iterator[tuple[Any, ...]]:
    """Every row, statistic by statistic, step by step."""
    for named, sampled in selection:
        for row, step in enumerate(sampled.steps.tolist()):
            for column, layer in enumerate(named.layers):
                low, high = float(sampled.low[row, column]), float(sampled.high[row, column])
                yield (named.statistic, layer, step, low, high) if both else (named.statistic, layer, step, high)


def has_arrow() -> bool:
    """Whether Arrow and Parquet can be written here."""
    return importlib.util.find_spec("pyarrow") is not None


def arrow_table(selection: Selection, *, both: bool) -> Any:
    """The same rows as an Arrow table; NaN and infinity are themselves."""
    import pyarrow as pa

    names: list[str] = []
    layers: list[str] = []
    steps, low, high = [np.zeros(0, np.int32)], [np.zeros(0, np.float32)], [np.zeros(0, np.float32)]
    for named, sampled in selection:
        count = len(sampled.steps)
        names += [named.statistic] * (count * len(named.layers))
        layers += list(named.layers) * count
        steps.append(np.repeat(sampled.steps, len(named.layers)))
        low.append(sampled.low.ravel())
        high.append(sampled.high.ravel())
    values = [np.concatenate(low), np.concatenate(high)] if both else [np.concatenate(high)]
    arrays = [
        pa.array(names, pa.string()).dictionary_encode(),
        pa.array(layers, pa.string()).dictionary_encode(),
        pa.array(np.concatenate(steps).astype(np.int32)),
        *(pa.array(value.astype(np.float32)) for value in values),
    ]
    return pa.table(arrays, names=list(columns(both=both)))
