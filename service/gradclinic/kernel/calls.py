"""Layers lower to data that says which module to construct.

Calls are created only by our own code and never parsed from input. A worker builds the torch
module; the API prints the call as PyTorch code without importing torch.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Call:
    """The construction of one module: `nn.Linear(64, 32, bias=True)` as data.

    `target` is a name in torch.nn (`nn.Linear`) or one of the worker's own blocks (`blocks.RMSNorm`).
    """

    target: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = [repr(value) for value in self.args] + [f"{key}={value!r}" for key, value in self.kwargs.items()]
        return f"{self.target}({', '.join(parts)})"
