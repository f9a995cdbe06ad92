"""The figures of all charts: pure functions from measurements to Plotly figures as JSON.

The same values are drawn in the browser by Plotly, open in a notebook as `plotly.graph_objects.Figure(...)`,
and become PNG or SVG by `canvas.draw`. Text from users is escaped.
"""

from ..theme import Figure
from .arm_curves import ArmCurve, arm_curves
from .curves import Validation, curves
from .heatmap import Scale, heatmap
from .margin import margin
from .profile import Line, profile
from .race import Entrant, race
from .ranking import comparable, ranking
from .trainability import trainability_map
from .trend import trend

__all__ = [
    "ArmCurve",
    "Entrant",
    "Figure",
    "Line",
    "Scale",
    "Validation",
    "arm_curves",
    "comparable",
    "curves",
    "heatmap",
    "margin",
    "profile",
    "race",
    "ranking",
    "trainability_map",
    "trend",
]
