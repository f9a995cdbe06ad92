"""Finds a gradient scaler that was not passed to the recorder."""

import gc

import torch

MOST_PASSES = 1024
"""Passes into which a step's loss may be divided beside its scale."""


def scaler_behind(factor: float) -> torch.amp.GradScaler | None:
    """The scaler that multiplies a loss by this factor just now; None without one, or where several may be it.

    factor: what came back to the loss, its scale over the number of passes that gradients are accumulated for.
    """
    if not factor > 1.0:
        return None
    if len(_at_work(factor)) > 1:
        gc.collect()  # scalers of earlier trainings
    found = _at_work(factor)
    return found[0] if len(found) == 1 else None


def _at_work(factor: float) -> list[torch.amp.GradScaler]:
    scalers = [each for each in gc.get_objects() if issubclass(type(each), torch.amp.GradScaler)]
    return [
        each
        for each in scalers
        if each.is_enabled() and each._scale is not None and _is_whole(each.get_scale() / factor)
    ]


def _is_whole(passes: float) -> bool:
    return 1 <= round(passes) <= MOST_PASSES and abs(passes - round(passes)) < 1e-6 * passes
