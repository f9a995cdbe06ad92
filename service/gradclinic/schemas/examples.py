"""Examples that the documentation of the API shows, and that its tests send."""

from typing import Any

EXPERIMENT: dict[str, Any] = {
    "model": {
        "kind": "mlp",
        "depth": 12,
        "width": 32,
        "activation": "sigmoid",
        "initialization": {"scheme": "torch_default"},
    },
    "data": {"kind": "digits"},
    "optimizer": {"kind": "sgd", "learning_rate": 0.1},
    "training": {"steps": 300, "batch_size": 64, "seed": 0},
}
"""Twelve sigmoid layers that do not learn: their gradients vanish."""
