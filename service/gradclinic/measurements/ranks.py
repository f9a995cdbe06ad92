"""What each process of a training on several has seen of its own samples."""

from typing import Annotated

from pydantic import Field

from ..kernel.spec import Fraction, Spec
from .preflight import Count

MOST_RANKS = 4096
"""Processes whose facts are kept."""


class RankFacts(Spec):
    """One process, compared with the others in the steps that all of them recorded."""

    rank: Count
    steps: Count
    """Number of these steps."""
    loss: float
    """Mean loss of its samples."""
    gradient: Annotated[float, Field(ge=0)]
    """Median over the steps of its gradients at the layer outputs, relative to those of the other processes. Of the RMS
    at each output, geometric means are taken over the outputs and the processes."""
    above: Fraction
    """Fraction of the steps in which that is above 1."""
