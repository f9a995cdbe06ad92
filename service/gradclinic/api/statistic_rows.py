"""Series as rows (statistic, layer, step, value), in CSV, NDJSON, Arrow or Parquet."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from fastapi import Response
from fastapi.responses import StreamingResponse

from ..measurements.sampling import Sampled
from ..use_cases.statistic import Named
from .http.plain_json import dump

CSV, NDJSON = "text/csv", "application/x-ndjson"
ARROW, PARQUET = "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"

_FORMULA = ("=", "+", "-", "@")
"""Spreadsheets run a cell that begins so as a formula, unless an apostrophe comes first. Layers may have any name."""

Selection = Sequence[tuple[Named, Sampled]]


def rows_response(form: str, selection: Selection, *, both: bool, headers: dict[str, str], name: str) -> Response:
    """The rows in a format other than JSON; Arrow and Parquet as files with this name."""
    if form in (ARROW, PARQUET):
        suffix = "arrow" if form == ARROW else "parquet"
        headers["Content-Disposition"] = f'attachment; filename="{name}.{suffix}"'
        return Response(_binary(form, selection, both=both), media_type=form, headers=headers)
    lines = _csv(selection, both=both) if form == CSV else _ndjson(selection, both=both)
    return StreamingResponse(lines, media_type=form, headers=headers)


def _csv(selection: Selection, *, both: bool) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(_columns(both=both))
    for number, (statistic, layer, *numbers) in enumerate(_rows_of(selection, both=both)):
        writer.writerow((statistic, f"'{layer}" if layer.startswith(_FORMULA) else layer, *numbers))
        if number % 1000 == 999:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _ndjson(selection: Selection, *, both: bool) -> Iterator[bytes]:
    names = _columns(both=both)
    for row in _rows_of(selection, both=both):
        yield dump(dict(zip(names, row, strict=True))) + b"\n"


def _binary(form: str, selection: Selection, *, both: bool) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = _arrow_table(selection, both=both)
    sink = io.BytesIO()
    if form == PARQUET:
        pq.write_table(table, sink)
    else:
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    return sink.getvalue()


def _columns(*, both: bool) -> tuple[str, ...]:
    """Names of a row's fields; `both` for the two extremes of a bucket."""
    return ("statistic", "layer", "step", *(("minimum", "maximum") if both else ("value",)))


def _rows_of(selection: Selection, *, both: bool) -> Iterator[tuple[Any, ...]]:
    """All rows, ordered by statistic, then by step."""
    for named, sampled in selection:
        for row, step in enumerate(sampled.steps.tolist()):
            for column, layer in enumerate(named.layers):
                low, high = float(sampled.low[row, column]), float(sampled.high[row, column])
                yield (named.statistic, layer, step, low, high) if both else (named.statistic, layer, step, high)


def _arrow_table(selection: Selection, *, both: bool) -> Any:
    """The same rows as an Arrow table; NaN and infinity are stored as such."""
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
    return pa.table(arrays, names=list(_columns(both=both)))
