import csv

import numpy as np
import pytest

from gradclinic.api.statistic_rows import CSV, NDJSON, rows_response
from gradclinic.measurements.record import Series
from gradclinic.measurements.sampling import Sampled
from gradclinic.use_cases.statistic import Named


async def text_of(form: str, *layers: str) -> str:
    steps, values = np.zeros(1, np.int32), np.full((1, len(layers)), -0.5, np.float32)
    named = Named("weight_norm_l2", layers, Series(steps, values))
    sampled = Sampled(steps, values, values, sampled=False, source_points=1)
    answer = rows_response(form, [(named, sampled)], both=False, headers={}, name="rows")
    parts = [part async for part in answer.body_iterator]  # type: ignore[attr-defined]  # it streams
    return "".join(part if isinstance(part, str) else part.decode() for part in parts)


@pytest.mark.anyio
async def test_no_layer_is_a_formula_where_a_spreadsheet_opens_the_csv() -> None:
    layers = ('=HYPERLINK("http://x")', "+1", "-1", "@SUM(1)", "encoder.0", "a=b")
    rows = list(csv.DictReader((await text_of(CSV, *layers)).splitlines()))
    assert [row["layer"] for row in rows] == ['\'=HYPERLINK("http://x")', "'+1", "'-1", "'@SUM(1)", "encoder.0", "a=b"]
    assert {row["value"] for row in rows} == {"-0.5"}


@pytest.mark.anyio
async def test_other_formats_have_the_names_as_they_are() -> None:
    assert '"layer":"=1"' in (await text_of(NDJSON, "=1")).replace(" ", "")
