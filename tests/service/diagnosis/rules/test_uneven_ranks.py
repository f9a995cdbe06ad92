from gradclinic.diagnosis import Finding, diagnose
from gradclinic.measurements.ranks import RankFacts

from ..records import changed, failed, healthy_record, outcome


def ranks(*gradients: float, above: float = 1.0, steps: int = 40) -> tuple[RankFacts, ...]:
    """Processes with these ratios of gradients; their sign is constant in this fraction of the steps."""
    return tuple(
        RankFacts(
            rank=rank, steps=steps, loss=1.0 + rank, gradient=ratio, above=above if ratio > 1 else round(1 - above, 3)
        )
        for rank, ratio in enumerate(gradients)
    )


def found(*given: RankFacts, ended=outcome) -> list[Finding]:
    findings = diagnose(changed(healthy_record(), outcome=ended(ranks=given))).findings
    return [each for each in findings if each.condition == "uneven_ranks"]


def test_a_process_whose_gradients_are_far_from_the_others_is_named():
    (finding,) = found(*ranks(0.8, 0.8, 5.0, 0.8), ended=failed)
    assert (finding.harm, finding.severity, finding.blames[0]) == (True, "warning", "data")
    said = "The gradients of process 2 are 5 times those of the other processes (mean loss 3, there 2.33)"
    assert said in finding.summary


def test_a_process_that_gets_hardly_any_gradient_is_named_and_no_harm_where_the_network_learned():
    (finding,) = found(*ranks(0.1, 1.5, 1.5))
    assert finding.harm is False
    assert "process 0 are only 0.1 of those" in finding.summary


def test_noise_few_steps_and_a_single_process_are_no_finding():
    assert not found(*ranks(0.7, 1.5))
    assert not found(*ranks(0.2, 5.0, above=0.6))
    assert not found(*ranks(0.2, 5.0, steps=5))
    assert found(*ranks(0.2, 5.0, steps=6))
    assert not found()
