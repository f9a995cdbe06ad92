"""The values of one training step."""

from dataclasses import dataclass, field

from torch import Tensor


@dataclass
class Observation:
    """What one training step showed while it ran: tensors that training made anyway, held until it is recorded."""

    step: int
    full: bool
    values: dict[str, Tensor] = field(default_factory=dict)
    batch_size: int | None = None
    """Number of samples of this step, if it differs from that of the run."""
    site_rms: Tensor | None = None
    """[L]: RMS of dL/d(site), if the observer does not keep the gradients at the sites until they are recorded."""
