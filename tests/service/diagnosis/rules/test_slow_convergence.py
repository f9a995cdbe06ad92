import pytest

from gradclinic.diagnosis import diagnose

from ..records import changed, failed, healthy_record, stuck, with_slope


@pytest.mark.parametrize(("decades", "name"), [(1.2, "vanishing"), (-1.2, "exploding")])
def test_a_slope_near_its_threshold_is_told_with_a_failure_that_nothing_else_explains(
    decades: float, name: str
) -> None:
    stuck = changed(healthy_record(), {"probe_loss": 2.3}, outcome=failed())
    finding = diagnose(with_slope(stuck, decades)).findings[0]
    assert finding.condition == "slow_convergence"
    assert f"10^1.2 from output to input, close to the 10^1.5 from which they count as {name}" in finding.summary
    slope = next(evidence for evidence in finding.evidence if evidence.name == "depth_slope")
    assert (round(slope.value, 3), slope.threshold) == (decades, 1.5 if decades > 0 else -1.5)
    level = diagnose(with_slope(stuck, decades / 2)).findings[0]
    assert "decades" not in level.summary
    assert finding.confidence < level.confidence


@pytest.mark.parametrize(
    ("update", "words"),
    [(1e-5, "can have moved by more than 0.3 % of its size"), (0.0, "in 300 steps no layer moved at all")],
)
def test_steps_that_are_too_small_are_said_to_be_and_larger_ones_are_suggested(update: float, words: str) -> None:
    finding = diagnose(stuck(update_to_weight_ratio=update)).findings[0]
    assert finding.condition == "slow_convergence"
    assert finding.summary.startswith("Steps are too small")
    assert words in finding.summary
    assert "the learning rate holds it back" in finding.summary
    assert [remedy.kind for remedy in finding.suggested_remedies[:2]] == ["remove_clipping", "set_learning_rate"]


def test_a_failure_with_a_slope_near_its_threshold_is_treated_as_its_cause_unless_the_steps_are_too_small() -> None:
    near = diagnose(with_slope(stuck(), 1.2)).findings[0]
    assert near.condition == "slow_convergence"
    assert near.suggested_remedies[0].kind == "set_initialization"
    idle = with_slope(stuck(update_to_weight_ratio=1e-5, weight_grad_norm_l2=1e-9), 1.2)
    assert diagnose(idle).findings[0].suggested_remedies[0].kind == "remove_clipping"
