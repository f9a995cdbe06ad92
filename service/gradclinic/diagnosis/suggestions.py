"""The remedies of a finding's rule that apply to an experiment.

Their order follows the mechanism of each condition and the fraction of broken networks of that kind that a remedy
fixed in measurements; a global order was refuted. They are suggestions: a study measures their effect on this network.
"""

from ..experiments.experiment import Experiment
from ..kernel.errors import InvalidRequest
from ..measurements.record import RunRecord
from ..remedies import Remedy
from ..remedies.network import Network
from .finding import Finding
from .rules import RULES


def suggest(finding: Finding, record: RunRecord, experiment: Experiment | None) -> tuple[Remedy, ...]:
    """The remedies for a finding, best first, without those that do not apply or that a recorded run has in place."""
    found = RULES[finding.condition].remedies(finding, Network.recorded(record))
    if experiment is None:
        return tuple(remedy for remedy in found if not remedy.in_place(record))
    return tuple(remedy for remedy in found if _applies(remedy, experiment))


def _applies(remedy: Remedy, experiment: Experiment) -> bool:
    try:
        remedy.apply(experiment)
    except InvalidRequest:
        return False
    return True
