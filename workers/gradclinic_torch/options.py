"""The options of a recording, for functions that pass them on."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from gradclinic.client import Clinic


class RecordingOptions(TypedDict, total=False):
    """The keyword arguments of `Recording`; see there for their meaning."""

    to: "str | Clinic | None"
    name: str | None
    labels: Mapping[str, str] | None
    study: str | None
    arm: str | None
    steps: int | None
    batch_size: int | None
    seed: int
    constant_loss: float | None
    probe: tuple[Any, Any] | None
    clipping: Mapping[str, Any] | None
    scaler: Any
    every: int
    full_every: int | None
    dense_until: int | None
    patience_s: float
