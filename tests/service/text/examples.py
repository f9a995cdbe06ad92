"""A finding, to be shown."""

from math import inf

from gradclinic.diagnosis import Evidence
from gradclinic.diagnosis.finding import CureCount
from gradclinic.remedies.add_warmup import AddWarmup
from gradclinic.remedies.swap_activation import SwapActivation

from ..diagnoses import finding

FINDING = finding(
    confidence=0.99,
    layers=("10.linear", "2.linear"),
    last_step=299,
    evidence=(Evidence("depth_slope", inf, "orders of magnitude", 1.5),),
    summary="Gradients vanish.",
    suggested_remedies=(SwapActivation(), AddWarmup()),
    cure_counts=(CureCount(SwapActivation(), 14, 17),),
)
