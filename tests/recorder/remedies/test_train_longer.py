from gradclinic.remedies.train_longer import TrainLonger

from .programs import STEPS, applied, loop, refusal


def test_it_takes_more_steps():
    assert applied(TrainLonger(factor=2.5)).steps == STEPS * 5 // 2


def test_no_more_steps_are_refused():
    assert "are no more than" in refusal(TrainLonger(factor=1.01), to=loop(steps=2))
