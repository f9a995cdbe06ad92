"""Checks whether samples come sorted by class: the classes of the first batches, in the order in which they came."""

import torch
from torch import Tensor

FIRST = 8
"""Number of calls of the loss whose targets are kept."""
LAST = 1000
"""Number of calls after which no other class is waited for."""
_CALLS = 4
"""Fewest calls that the classes must span, and two for each: a GAN trains on a batch of real and one of made samples in
turn, and losses of pairs on batches of a few classes each."""
_ROWS = 100
"""Fewest rows in the order of classes: by chance, 100 rows of two classes are in two pieces in 1 of 10^28 cases."""
_PIECE = 8
"""Fewest rows of each class: a rare one may come once by chance."""


class TargetOrder:
    """Keeps the classes of the first calls, and where all are the same, of the two in which another one comes."""

    def __init__(self) -> None:
        self._calls: list[Tensor] = []
        self._seen = 0
        self._changed = self._done = False

    @property
    def done(self) -> bool:
        """Whether no other class is waited for."""
        return self._done or self._seen >= LAST

    @torch.no_grad()
    def saw(self, targets: Tensor) -> None:
        """The criterion was called with these targets."""
        self._seen += 1
        if self._done or self._seen > LAST:
            return
        classes = _classes(targets)
        if classes is None:
            self._calls, self._done = [], True
            return
        if self._seen > FIRST:
            self._wait(classes)
        else:
            self._calls.append(classes)

    def _wait(self, classes: Tensor) -> None:
        """Keep the first call with another class than all before, and the one after it."""
        first = self._calls[0][0]
        if self._changed:
            self._calls.append(classes)
            self._done = True
        elif not all(bool((each == first).all()) for each in self._calls):
            self._done = True
        elif bool((classes != first).any()):
            self._calls.append(classes)
            self._changed = True

    @property
    def is_sorted(self) -> bool:
        """Whether no class comes again after another one, over enough rows and calls."""
        if len(self._calls) < _CALLS:
            return False
        classes, counts = torch.unique_consecutive(torch.cat(self._calls), return_counts=True)
        pieces = next((k for k in range(1, len(classes)) if bool((classes[:k] == classes[k]).any())), len(classes))
        calls = int(counts[:pieces].sum()) / len(self._calls[0])
        if pieces == len(classes) and int(counts[-1]) < _PIECE:
            pieces -= 1
        known = counts[:pieces]
        enough = calls >= max(_CALLS, 2 * pieces) and int(known.sum()) >= _ROWS
        return pieces > 1 and enough and int(known.min()) >= _PIECE


def _classes(targets: Tensor) -> Tensor | None:
    """[samples]: the class of each; None where the targets are no classes, or not one for each sample."""
    if targets.ndim == 2 and targets.shape[1] > 1:
        one_hot = bool(((targets == 0) | (targets == 1)).all()) and bool((targets.sum(1) == 1).all())
        return targets.argmax(1).cpu() if one_hot else None
    if not targets.ndim or targets.numel() != len(targets) or not len(targets):
        return None
    flat = targets.flatten().cpu()
    return flat if not flat.is_floating_point() or bool((flat == flat.round()).all()) else None
