"""Declares a study of a user's own model in the service, and finds what of it is still to be trained."""

from collections.abc import Mapping, Sequence

from gradclinic.client import Clinic
from gradclinic.client.study import Study
from gradclinic.comparison.arms import BASELINE
from gradclinic.kernel.errors import InvalidRequest, Problem
from gradclinic.remedies import Remedy

from ..remedies.loop import code_between
from .cell import Cell, Program
from .seeding import seeded

Arms = Mapping[str, Sequence[Remedy]]
"""The remedies of each arm by its name; the baseline comes first, and has none."""


def declare(
    clinic: Clinic,
    program: Program,
    arms: Arms,
    *,
    codes: Mapping[str, str],
    seeds: Sequence[int],
    key: str | None,
    name: str | None,
    labels: Mapping[str, str] | None,
) -> Study:
    """Declare the study, or get the one that was declared with the same key.

    codes: what each arm changes, see `codes_of`. Raises InvalidRequest if that study has another number of steps, and
    Conflict if it has other arms or seeds.
    """
    body = {
        "arms": [
            {"name": arm, "remedies": [each.to_json() for each in remedies], "code": codes[arm]}
            for arm, remedies in arms.items()
        ],
        "seeds": list(seeds),
        "name": name,
        "labels": dict(labels or {}),
    }
    found = clinic.declare_study(body, key=key)
    for run in found.runs(status="succeeded"):
        planned = run.answer.progress.steps
        if run.answer.arm == BASELINE and planned != program.steps:
            raise InvalidRequest.at(
                "/steps",
                f"the study of this key has {planned} steps",
                value=program.steps,
                allowed=f"{planned}, or another key",
            )
    return found


def missing(found: Study, arms: Arms, *, seeds: Sequence[int]) -> list[Cell]:
    """What is to be trained, all arms with one seed after the other: what has no run that succeeded."""
    trained = {(run.answer.arm, run.answer.seed) for run in found.runs(status="succeeded")}
    return [cell for cell in cells_of(arms, seeds=seeds) if (cell.arm, cell.seed) not in trained]


def cells_of(arms: Arms, *, seeds: Sequence[int]) -> list[Cell]:
    """All trainings of a study."""
    return [Cell(arm, remedies, seed) for seed in seeds for arm, remedies in arms.items()]


def codes_of(program: Program, arms: Arms, *, seed: int) -> dict[str, str]:
    """What each arm changes, as code; raises InvalidRequest with the problems of all arms."""
    codes: dict[str, str] = {}
    problems: list[Problem] = []
    refused: list[type[InvalidRequest]] = []
    for arm, remedies in arms.items():
        try:
            with seeded(seed):
                codes[arm] = code_between(*program.loops(seed, remedies))
        except InvalidRequest as error:
            refused.append(type(error))
            problems += [problem.under(f"/arms/{arm}") for problem in error.problems]
    if problems:
        raise (refused[0] if len(set(refused)) == 1 else InvalidRequest)(problems)
    return codes
