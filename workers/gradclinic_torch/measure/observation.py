"""The values of one training step."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from .reductions import norm_of


@dataclass
class Observation:
    """What one training step showed while it ran: tensors that training made anyway, held until it is recorded."""

    step: int
    full: bool
    sites: bool = True
    """Whether the gradients at the sites are recorded."""
    values: dict[str, Tensor] = field(default_factory=dict)
    """In a full step, the tensors at the sites and after their activations, by tap."""
    gradients: dict[str, Tensor] = field(default_factory=dict)
    """In a full step, dL/d(site) by tap; one that received no gradient is missing."""
    entries: dict[str, int] = field(default_factory=dict)
    """Number of entries of each site's tensor by tap, if only the norms of the gradients are kept."""
    norms: dict[str, Tensor] = field(default_factory=dict)
    """L2 norm of dL/d(site) by tap, of the sites in `entries` that received a gradient."""
    batch_size: int | None = None
    """Number of samples of this step, if it differs from that of the run."""
    own: dict[str, Tensor] = field(default_factory=dict)
    """In a full step, statistics that only the observer of a program's own training computes, by name."""
    site_rms: Tensor | None = None
    """[L]: RMS of dL/d(site), if the observer computes it itself."""

    def catch(self, name: str, output: Tensor) -> None:
        """Take a site's gradient as it comes back, without having autograd keep it."""
        if self.full:
            self.values[name] = output.detach()
            output.register_hook(lambda gradient: self._keep(name, gradient))  # type: ignore[no-untyped-call]  # torch's
        else:
            self.entries[name] = output.numel()
            output.register_hook(lambda gradient: self._measure(name, gradient))  # type: ignore[no-untyped-call]  # same

    def gradient_at(self, name: str) -> Tensor:
        """dL/d(site); zeros if it received none."""
        found = self.gradients.get(name)
        return torch.zeros_like(self.values[name]) if found is None else found

    def _keep(self, name: str, gradient: Tensor) -> None:
        self.gradients[name] = gradient.detach()

    def _measure(self, name: str, gradient: Tensor) -> None:
        self.norms[name] = norm_of(gradient.detach())
