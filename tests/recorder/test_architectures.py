"""Networks as people train them: their sites, their weights, and the diagnoses of sound and broken trainings."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from gradclinic.measurements.record import RunRecord

from .architectures import ARCHITECTURES, Architecture, Fault, train
from .libraries import OF_PEFT, OF_TIMM, OF_TORCHVISION
from .loops import same, weights_of

pytestmark = pytest.mark.slow

NEAR = 0.05
"""So near to half of the loss of the best constant, it may stay open whether a network learned."""
SITES = Path(__file__).with_name("snapshots")
ALL: Mapping[str, Architecture] = {**ARCHITECTURES, **OF_TORCHVISION, **OF_TIMM, **OF_PEFT}
EVERY = pytest.mark.parametrize("name", ALL)


def sites_of(record: RunRecord) -> str:
    """The sites as a person reads them: each path over the depth, in forward order, then the others."""
    lines: list[str] = []
    for path in dict.fromkeys(site.path for site in record.sites if site.in_profile):
        lines.append(f"path {path}" if path else "longest path")
        inside = [site for site in record.sites if site.in_profile and site.path == path]
        lines += [f"  {site.name} ({site.kind}, {site.units} units)" for site in inside]
    lines.append("on no path")
    lines += [
        f"  {site.name} ({site.units} units, {site.activation or 'unknown activation'})"
        for site in record.sites
        if not site.in_profile
    ]
    return "\n".join(lines) + "\n"


@EVERY
def test_the_sites_are_those_that_a_person_has_read(name: str) -> None:
    """After a change that was meant, delete the file of the architecture, run this again, and read what it wrote."""
    _, recording = train(ALL[name], steps=1)
    assert recording is not None
    found, kept = sites_of(recording.record), SITES / f"{name}.txt"
    if not kept.exists():
        kept.write_text(found)
        pytest.fail(f"{kept.name} did not exist: it was written, read it")
    assert found == kept.read_text()


@EVERY
def test_weights_are_equal_bit_for_bit_with_a_recording_and_without(name: str) -> None:
    model, _ = train(ALL[name], steps=12)
    plain, _ = train(ALL[name], steps=12, record=False)
    assert same(weights_of(model), weights_of(plain))


@EVERY
def test_a_sound_training_is_healthy(name: str) -> None:
    _, recording = train(ALL[name])
    assert recording is not None
    diagnosis = recording.diagnosis()
    assert diagnosis.primary == "healthy"
    assert not any(finding.harm for finding in diagnosis.findings)


@EVERY
def test_a_thousand_times_the_rate_is_named_and_the_rate_comes_first(name: str) -> None:
    _, recording = train(ALL[name], fault="rate")
    assert recording is not None
    first = recording.diagnosis().findings[0]
    assert first.harm
    assert first.blames[0] == "learning_rate"


@EVERY
@pytest.mark.parametrize("fault", ["small", "large"])
def test_initial_weights_far_off_are_named_unless_the_network_learns_all_the_same(name: str, fault: Fault) -> None:
    """Norms undo a scale: many of these networks learn from weights that are a hundredth of what they should be."""
    _, recording = train(ALL[name], fault=fault)
    assert recording is not None
    outcome, diagnosis = recording.record.outcome, recording.diagnosis()
    assert outcome is not None
    assert outcome.relative_train_loss is not None
    learned = outcome.relative_train_loss <= 0.5
    if abs(outcome.relative_train_loss - 0.5) < NEAR and diagnosis.primary == "insufficient_evidence":
        return
    assert diagnosis.findings[0].harm is not learned
    assert (diagnosis.primary == "healthy") is learned
