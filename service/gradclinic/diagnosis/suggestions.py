"""The remedies of a finding's rule that apply to an experiment, and those that cured others like it, best first.

Their order is that of `remedies.evidence`: how often each one cured broken trainings of this kind. They are
suggestions: a study measures their effect on this network.
"""

from collections.abc import Sequence

from ..experiments.experiment import Experiment
from ..experiments.lowering import lower
from ..kernel.errors import InvalidRequest
from ..measurements.record import RunRecord
from ..remedies import Remedy
from ..remedies.evidence import NEVER, measured, ranked
from ..remedies.network import Network
from ..remedies.pool import name_of
from .finding import CureCount, Finding
from .rules import RULES

_MOST = 8
"""The number of suggestions for a finding: what comes later in the order has rarely cured anything."""


def suggest(finding: Finding, record: RunRecord, experiment: Experiment | None) -> tuple[Remedy, ...]:
    """The remedies for a finding, best first, without those that do not apply.

    For a recorded run only those of the rule that it does not have and that fit its loss, since it is not known which
    others apply.
    """
    network = Network.recorded(record)
    own = RULES[finding.condition].remedies(finding, network)
    found = ranked(own, measured().of(finding.condition, finding.blames, network), network)
    if experiment is None:
        fitting = (remedy for remedy in found if remedy in own and not remedy.misfits(record))
        return tuple(remedy for remedy in fitting if not remedy.in_place(record))
    return tuple(remedy for remedy in found if _applies(remedy, experiment))[:_MOST]


def summary_with_first(finding: Finding, remedies: Sequence[Remedy]) -> str:
    """The summary, with the first of the suggested remedies where its rule wants that said.

    It comes after what is wrong, which ends at the first semicolon, and before what became of the training.
    """
    says = finding.harm and finding.rule == finding.condition and RULES[finding.condition].says_first
    if not says or not remedies:
        return finding.summary
    wrong, _, outcome = finding.summary.partition("; ")
    return f"{wrong}: first {remedies[0].advice}; {outcome}"


def cure_counts(finding: Finding, remedies: Sequence[Remedy], record: RunRecord) -> tuple[CureCount, ...]:
    """For each of the remedies that was tried on trainings like this one: how many it cured, of how many."""
    network = Network.recorded(record)
    counts = measured().of(finding.condition, finding.blames, network)
    tallies = ((remedy, counts.get(name_of(remedy, network) or "", NEVER)) for remedy in remedies)
    return tuple(CureCount(remedy, tally.cured, tally.tried) for remedy, tally in tallies if tally.tried)


def _applies(remedy: Remedy, experiment: Experiment) -> bool:
    try:
        lower(remedy.apply(experiment))
    except InvalidRequest:
        return False
    return True
