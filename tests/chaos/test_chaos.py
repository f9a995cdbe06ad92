import pytest

from .faults import FAULTS
from .play import play
from .world import Kind


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("kind", "seed", "lanes"), [("sqlite", 11, 16), ("postgresql", 12, 1)])
def test_what_two_projects_ask_for_happens_once_and_to_its_end(kind: Kind, seed: int, lanes: int) -> None:
    report = play(kind, seed=seed, runs=10, faults=7, pause_s=0.5, lanes=lanes)
    assert report.problems == []
    assert report.checks >= 2
    assert report.alerts > 0


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("kind", "seed"), [("sqlite", 21), ("postgresql", 22)])
def test_nothing_is_lost_in_a_longer_play(kind: Kind, seed: int) -> None:
    report = play(kind, seed=seed, runs=60, faults=40, pause_s=0.7)
    assert report.problems == []
    assert len(report.faults) > len(FAULTS) / 2
