from gradclinic.diagnosis import diagnose

from ..records import healthy_record


def test_a_network_that_learned_with_level_gradients_is_healthy_and_nothing_else() -> None:
    diagnosis = diagnose(healthy_record())
    assert diagnosis.primary == "healthy"
    assert [finding.condition for finding in diagnosis.findings] == ["healthy"]
