"""What the previous version stored is read by this one, and answered as that one answered it.

`tests/data/make_previous_version.py` says what the database holds, and how it was made.
"""

import json
from collections.abc import Iterator
from math import isclose
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter

from gradclinic.remedies import AnyRemedy, Remedy
from gradclinic.settings import Settings

from .api.serving import NOBODY, serving
from .previous_version import database_in, unpacked

ROUNDING = 1e-12
"""What another processor's order of summation may change in numbers that are computed when they are asked for."""
WORDING = {
    "statement", "source", "design", "rule", "explanation", "help",
    "summary", "warning", "warnings", "assumptions", "reason", "method",
}  # fmt: skip
"""Prose of claims, statistics, findings, comparisons and predictions, which each version writes itself."""

ADDED = {
    "blames", "loss_unit", "summary", "path", "loss", "output_activation", "standardize_targets", "cure_counts",
    "module", "sites_every", "probe_every", "probe_rows", "units_every", "notes", "source", "model", "total",
    "alone_step_seconds", "dtype", "conditions", "retention",
}  # fmt: skip
"""Keys that this version adds: what a finding blames, the unit of a loss, what a baseline's pin holds, in words; the
path over the depth that a site lies on; an experiment's loss and output activation; whether its targets are
standardized; how often the remedies of a finding cured; the class of the module that holds a recorded weight; how often
layer outputs, probes and dead units are recorded, and the size of a probe; differences of devices and versions between
compared runs; what asked for a run, its model in words, and the number of runs in a list; what a step takes alone; the
precision of a site; what is kept of a run's statistics."""

LEFT_OPEN = {"full_every", "dense_until"}
"""Numbers of a recording plan that this version leaves open, where they are not given."""

RENAMED = [("decades", "orders of magnitude"), ("/checks?baseline=main", "/baselines/main")]
"""Units, and addresses of pages, by their previous and their present name."""

FITTED = {"confidence"}
"""What today's rules say otherwise of slow convergence: its confidence is fitted to how often it blamed a true part."""

NOT_LISTED = {"experiment", "resolved_experiment"}
"""Keys of a run that this version leaves out of lists of runs."""

ANSWERS: list[dict[str, Any]] = json.loads(unpacked("previous_version.json.xz"))
*READ, CATALOGUE = ANSWERS


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Today's API on a copy of that database, brought to today's schema."""
    folder = tmp_path_factory.mktemp("previous")
    database_in(folder)
    with serving(Settings(data_dir=folder, broker_url=NOBODY)) as client:
        yield client


def _title(request: dict[str, Any]) -> str:
    return f"{request['method']} {request['path']}"


@pytest.mark.parametrize("before", READ, ids=_title)
def test_every_answer_is_what_it_was(api: httpx.Client, before: dict[str, Any]) -> None:
    response = api.request(before["method"], before["path"], json=before["body"])
    assert response.status_code == before["status"], response.text
    expected = before["answer"]
    if before["path"].startswith("/v1/runs?"):
        items = [{key: value for key, value in run.items() if key not in NOT_LISTED} for run in expected["items"]]
        expected = {**expected, "items": items}
    assert list(_differences(expected, response.json(), judged_anew=before["path"].endswith("/diagnoses"))) == []


def test_everything_that_could_be_named_can_still_be_named(api: httpx.Client) -> None:
    catalogue = api.get("/v1/catalogue").json()
    now = {part: {item["kind"] for item in items} for part, items in catalogue.items()}
    assert {part: set(kinds) - now[part] for part, kinds in CATALOGUE["kinds"].items() if set(kinds) - now[part]} == {}


def test_the_database_holds_what_went_well_and_what_did_not() -> None:
    runs = next(each["answer"]["items"] for each in READ if each["path"].startswith("/v1/runs?"))
    primaries = {run["diagnosis"]["primary"] for run in runs if run["diagnosis"]}
    assert {"vanishing_gradients", "exploding_gradients", "healthy", "oscillating_loss"} <= primaries
    assert {run["status"] for run in runs} == {"succeeded", "canceled"}
    assert {run["origin"] for run in runs} > {"external"}
    assert {run["reason"]["code"] for run in runs} > {"non_finite"}


def _alike_remedies(before: list[dict[str, Any]], now: list[dict[str, Any]], *, judged_anew: bool) -> bool:
    """Whether stored suggestions are the same; today's rules may suggest others, but neither none nor unknown ones."""
    return bool(_remedies(before)) == bool(_remedies(now)) if judged_anew else _remedies(before) == _remedies(now)


def _remedies(posted: list[dict[str, Any]]) -> list[Remedy]:
    """What is suggested, whether or not it spells what is the default anyway; the order may change with the rules."""
    return sorted(TypeAdapter(list[AnyRemedy]).validate_python(posted), key=repr)


def _differences(before: Any, now: Any, at: str = "", *, judged_anew: bool = False) -> Iterator[str]:
    """The places where two answers differ, but for prose that is no longer stored."""
    if isinstance(before, dict) and isinstance(now, dict):
        if changed := (before.keys() - now.keys()) | (now.keys() - before.keys() - ADDED):
            yield f"{at}: keys {sorted(changed)}"
        remedies = "suggested_remedies"
        if remedies in before and not _alike_remedies(before[remedies], now[remedies], judged_anew=judged_anew):
            yield f"{at}/{remedies}: {before[remedies]} became {now[remedies]}"
        passed_over = (
            {remedies}
            | {key for key in LEFT_OPEN if now.get(key, 0) is None}
            | (FITTED if judged_anew and before.get("condition") == "slow_convergence" else set())
        )
        for key in before.keys() & now.keys() - WORDING - passed_over:
            yield from _differences(before[key], now[key], f"{at}/{key}", judged_anew=judged_anew)
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for index, (one, other) in enumerate(zip(before, now, strict=True)):
            yield from _differences(one, other, f"{at}/{index}", judged_anew=judged_anew)
    elif not _alike(before, now):
        yield f"{at}: {before!r} became {now!r}"


def _alike(before: Any, now: Any) -> bool:
    if {type(before), type(now)} <= {int, float}:  # 9 and 9.0 are one number to JSON
        return isclose(before, now, rel_tol=ROUNDING)
    return type(before) is type(now) and (before == now or (before, now) in RENAMED)
