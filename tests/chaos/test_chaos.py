import pytest

from .faults import FAULTS
from .play import play
from .world import Kind


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("kind", "seed"), [("sqlite", 11), ("postgresql", 12)])
def test_every_accepted_run_ends_once_with_exactly_its_rows(kind: Kind, seed: int) -> None:
    report = play(kind, seed=seed, runs=10, faults=7, pause_s=0.5)
    assert report.problems == []
    assert sum(report.statuses.values()) == 10


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("kind", "seed"), [("sqlite", 21), ("postgresql", 22)])
def test_nothing_is_lost_in_a_longer_play(kind: Kind, seed: int) -> None:
    report = play(kind, seed=seed, runs=60, faults=40, pause_s=0.7)
    assert report.problems == []
    assert len(report.faults) > len(FAULTS) / 2
