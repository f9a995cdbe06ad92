"""What programs share: optimizers, scores, small modules."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from sklearn.metrics import balanced_accuracy_score, r2_score
from torch import Tensor, nn

from .program import Optimizing

DEEPCRIME = "Humbatova et al. 2021, DeepCrime (ISSTA)"
FORUM = "discuss.pytorch.org, many times"


def floats(values: np.ndarray) -> Tensor:
    """The values in float32."""
    return torch.tensor(values, dtype=torch.float32)


def column(values: np.ndarray) -> Tensor:
    """The values in float32, one a row."""
    return floats(values)[:, None]


def standard(values: Tensor) -> Tensor:
    """The values with a mean of 0 and a deviation of 1 in each column."""
    return (values - values.mean(0)) / values.std(0)


def shuffled(values: Tensor) -> Tensor:
    """The rows in another order, the same each time."""
    return values[torch.randperm(len(values), generator=torch.Generator().manual_seed(1))]


def adam(rate: float, *, decay: float = 0.0) -> Optimizing:
    """Adam over all parameters."""
    return lambda model: torch.optim.Adam(model.parameters(), lr=rate, weight_decay=decay)


def sgd(rate: float, *, momentum: float = 0.0, decay: float = 0.0) -> Optimizing:
    """Stochastic gradient descent over all parameters."""
    return lambda model: torch.optim.SGD(model.parameters(), lr=rate, momentum=momentum, weight_decay=decay)


def dense(
    *sizes: int, hidden: Callable[[], nn.Module] | None = nn.ReLU, last: Callable[[], nn.Module] | None = None
) -> Callable[[], nn.Module]:
    """Linear layers with an activation between them, and perhaps one at the end."""

    def build() -> nn.Module:
        layers: list[nn.Module] = []
        for index, (before, after) in enumerate(pairwise(sizes)):
            layers.append(nn.Linear(before, after))
            if index < len(sizes) - 2 and hidden is not None:
                layers.append(hidden())
        return nn.Sequential(*layers, *([last()] if last is not None else []))

    return build


def initialized(build: Callable[[], nn.Module], initialize: Callable[[Tensor], object]) -> Callable[[], nn.Module]:
    """The same model with weight matrices filled by `initialize`."""

    def built() -> nn.Module:
        model = build()
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.dim() > 1:
                    initialize(parameter)
        return model

    return built


zeros = nn.init.zeros_
large = partial(nn.init.normal_, std=1.0)
tiny = partial(nn.init.normal_, std=1e-4)


class Apply(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, values: Tensor) -> Tensor:
        return self.function(values)


class LastStep(nn.Module):
    """A recurrent network whose last state goes through a linear layer."""

    def __init__(self, cell: type[nn.RNNBase], inputs: int, width: int, outputs: int, **options: object) -> None:
        super().__init__()
        self.cell = cell(inputs, width, batch_first=True, **options)  # type: ignore[arg-type]
        self.head = nn.Linear(width, outputs)

    def forward(self, values: Tensor) -> Tensor:
        states, _ = self.cell(values)
        return self.head(states[:, -1])


def explained(outputs: Tensor, targets: Tensor) -> float:
    """Fraction of the targets' variance that outputs explain; not below 0."""
    if not bool(outputs.isfinite().all()):
        return 0.0
    shaped = outputs.reshape(len(targets), -1).double().numpy()
    return max(
        0.0,
        float(r2_score(targets.reshape(len(targets), -1).double().numpy(), shaped, multioutput="variance_weighted")),
    )


def classified(outputs: Tensor, targets: Tensor) -> float:
    """Balanced accuracy above chance, as a fraction of what there is above chance."""
    if not bool(outputs.isfinite().all()):
        return 0.0
    return _above_chance(targets.long().numpy(), outputs.argmax(1).numpy())


def told_apart(cut: float) -> Callable[[Tensor, Tensor], float]:
    """The same for one output, which says yes above `cut`; targets may be several columns of yes and no."""

    def score(outputs: Tensor, targets: Tensor) -> float:
        if not bool(outputs.isfinite().all()):
            return 0.0
        yes = (outputs > cut).reshape(len(targets), -1).numpy()
        truth = (targets > 0.5).reshape(len(targets), -1).numpy()
        columns = range(truth.shape[1])
        return float(np.mean([_above_chance(truth[:, k], yes[:, min(k, yes.shape[1] - 1)]) for k in columns]))

    return score


def _above_chance(truth: np.ndarray, said: np.ndarray) -> float:
    return max(0.0, float(balanced_accuracy_score(truth, said, adjusted=True)))
