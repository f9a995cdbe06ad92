"""Whether a classification leaves out a class that it has an output for, by `ignore_index` or a weight of 0."""

from torch import Tensor, nn


def ignored_fraction(criterion: nn.Module, outputs: Tensor, targets: Tensor, *, rows: int | None) -> float | None:
    """Fraction of the targets that are of such a class; None if there are none, or they may be padding by design.

    Sequences are padded with tokens that the loss ignores, and maps may leave out their first or last class as void.
    What is left are one class for each of the `rows` of the model's output, and the other classes of maps.
    """
    if not isinstance(criterion, nn.CrossEntropyLoss | nn.NLLLoss) or targets.is_floating_point() or outputs.ndim < 2:
        return None
    classes = outputs.shape[1]
    of_samples, of_maps = targets.ndim == 1 and len(targets) == rows, targets.ndim > 2
    ignored = {criterion.ignore_index}
    if criterion.weight is not None:
        ignored |= {number for number, weight in enumerate(criterion.weight.tolist()) if weight == 0}
    meant = {0, classes - 1} if of_maps else set()
    found = [number for number in ignored - meant if 0 <= number < classes]
    if not (of_samples or of_maps) or not found:
        return None
    fraction = sum(float((targets == number).double().mean()) for number in found)
    return fraction or None
