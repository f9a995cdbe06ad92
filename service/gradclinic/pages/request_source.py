"""The request behind something that exists, to be changed and sent again."""

from collections.abc import Callable, Mapping
from typing import Literal

from ..experiments.experiment import Experiment
from ..kernel.errors import InvalidSpec, NotFound
from ..kernel.json import JsonObject
from ..use_cases.service import Service

Kind = Literal["run", "study", "prescription", "check"]


def request_from(service: Service, identifier: str) -> tuple[Kind, JsonObject]:
    """The kind of request and its body; raises NotFound, also for what an external program trained."""
    kinds: Mapping[str, tuple[Kind, Callable[[Service, str], JsonObject]]] = {
        "run": ("run", _run),
        "study": ("study", _study),
        "prescription": ("prescription", _prescription),
        "check": ("check", _check),
    }
    prefix = identifier.partition("_")[0]
    if prefix not in kinds:
        raise NotFound(f"there is no request {identifier!r}; ids begin with {', '.join(kinds)}")
    kind, read = kinds[prefix]
    return kind, {key: value for key, value in read(service, identifier).items() if value not in (None, [], {})}


def _run(service: Service, identifier: str) -> JsonObject:
    found = service.store.runs.get(identifier)
    if found.origin != "service":
        raise NotFound(f"{identifier} was trained by an external program, so it has no experiment")
    return {"experiment": in_short(found.experiment), "remedies": found.remedies, "name": found.name}


def _study(service: Service, identifier: str) -> JsonObject:
    found = service.store.studies.get(identifier)
    if not found.experiment:
        raise NotFound(f"{identifier} was trained by an external program, so it has no experiment")
    arms = [{key: arm[key] for key in ("name", "remedies", "experiment") if arm.get(key)} for arm in found.arms]
    return {
        "experiment": in_short(found.experiment),
        "arms": [arm for arm in arms if arm["name"] != "baseline"],
        "seeds": list(found.seeds),
        "sweep": list(found.sweep),
        "name": found.name,
    }


def _prescription(service: Service, identifier: str) -> JsonObject:
    found = service.store.prescriptions.get(identifier)
    budget = {key: value for key, value in vars(found.budget).items() if value is not None}
    return {"experiment": in_short(found.experiment), "budget": budget, "name": found.name}


def _check(service: Service, identifier: str) -> JsonObject:
    found = service.store.checks.get(identifier)
    return {
        "baseline": found.baseline,
        "experiment": in_short(found.experiment),
        "remedies": list(found.remedies),
        "seeds": list(found.seeds),
        "margins": dict(found.margins),
        "name": found.name,
    }


def in_short(experiment: JsonObject) -> JsonObject:
    """An experiment without its defaults; as it is stored, if this version does not know all of it."""
    try:
        return Experiment.model_validate(experiment).in_short()
    except (ValueError, InvalidSpec):
        return experiment
