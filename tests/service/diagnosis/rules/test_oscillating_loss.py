from dataclasses import replace

from gradclinic.diagnosis import diagnose
from gradclinic.diagnosis.thresholds import Thresholds

from ..records import (
    evidence_of,
    failed,
    restless,
)


def test_swings_hurt_a_network_that_learned_only_where_it_has_not_learned_at_their_peaks() -> None:
    hurt, calm = diagnose(restless(height=0.5)), diagnose(restless(height=0.2))
    assert (hurt.primary, hurt.findings[0].severity) == ("oscillating_loss", "warning")
    assert "at its peaks (60 %) it has not" in hurt.findings[0].summary
    assert (calm.primary, calm.findings[1].condition, calm.findings[1].harm) == ("healthy", "oscillating_loss", False)
    assert "learned anyway" in calm.findings[1].summary


def test_a_learned_loss_that_falls_more_than_it_rises_does_not_oscillate() -> None:
    falling = diagnose(restless(height=0.1, net_fall=0.9))
    assert [finding.condition for finding in falling.findings] == ["healthy"]


def test_the_share_of_rises_is_held_against_what_a_learned_and_a_failed_network_may_have() -> None:
    learned, lost = restless(height=0.5), replace(restless(height=0.5), outcome=failed())
    assert evidence_of(learned, "oscillating_loss")["rise_share"][1] == Thresholds().rise_share_learned
    assert evidence_of(lost, "oscillating_loss")["rise_share"][1] == Thresholds().rise_share
