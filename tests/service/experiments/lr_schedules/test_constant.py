from gradclinic.experiments.lr_schedules.constant import Constant


def test_it_is_one_at_every_step():
    assert [Constant().factor(step, 10) for step in range(10)] == [1.0] * 10
