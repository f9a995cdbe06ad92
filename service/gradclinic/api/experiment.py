"""`POST /v1/experiments:resolve`: the experiment that would be trained, and its cost, without training."""

from fastapi import APIRouter
from pydantic import TypeAdapter

from ..measurements.estimate import recorded_steps
from ..measurements.schedule import planned
from ..schemas.experiment import LayerAnswer, PatchOperation, ResolveAnswer
from ..schemas.prediction import PredictionAnswer
from ..schemas.requests.experiment import ResolveRequest
from ..use_cases.experiment import resolve
from .http.body import StrictJSONRoute
from .http.dependencies import BODY_PROBLEMS, TheService, problems

router = APIRouter(tags=["experiments"], route_class=StrictJSONRoute)

_PATCH: TypeAdapter[list[PatchOperation]] = TypeAdapter(list[PatchOperation])


@router.post("/v1/experiments:resolve", summary="Check and resolve an experiment", responses=problems(*BODY_PROBLEMS))
def resolve_experiment(body: ResolveRequest, service: TheService) -> ResolveAnswer:
    """Apply the remedies, check shapes and sizes, and return the resolved experiment. Nothing is stored or queued."""
    resolved = resolve(service, body.experiment, body.remedies)
    experiment, estimate = resolved.resolved, resolved.estimate
    return ResolveAnswer(
        resolved_experiment=experiment,
        patch=_PATCH.validate_python(resolved.patch()),
        layers=[
            LayerAnswer(
                name=node.name,
                kind=node.kind,
                shape=list(node.out_shape),
                parameters=sum(parameter.size for parameter in node.parameters),
            )
            for node in resolved.network.walk()
        ],
        parameters=estimate.parameters,
        flops_per_step=estimate.flops_per_step,
        memory_bytes=estimate.memory_bytes,
        stored_bytes=estimate.stored_bytes,
        recorded_steps=recorded_steps(experiment.training.steps, experiment.recording)[0],
        recording=planned(experiment, resolved.network),
        predicted_profile=PredictionAnswer.model_validate(resolved.prediction()),
        listing=resolved.listing(),
        listing_before=resolved.listing_before(),
        warnings=resolved.warnings(),
    )
