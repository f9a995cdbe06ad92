from gradclinic.diagnosis import diagnose

from ..records import SICK


def test_layers_that_are_silent_because_the_one_before_died_are_not_blamed() -> None:
    finding = diagnose(SICK["dead_units"]()).findings[0]
    assert finding.layers == ("8.linear",)
