import pytest
import torch

from gradclinic.experiments.clipping.adaptive import AdaptiveClipping
from gradclinic_workers.train.clip import clip


def test_its_default_is_the_papers():
    assert AdaptiveClipping().factor == 0.01


def test_each_rows_gradient_is_held_to_a_share_of_its_weights():
    weight, gradient = torch.tensor([[3.0, 4.0], [0.3, 0.4]]), torch.tensor([[30.0, 40.0], [0.0003, 0.0004]])
    changed = clip(AdaptiveClipping(factor=0.1), [gradient], gradient.norm(), weights=[weight])
    assert changed == 1
    assert gradient[0].norm() == pytest.approx(0.5)
    torch.testing.assert_close(gradient[1], torch.tensor([0.0003, 0.0004]))


def test_zero_weights_can_still_move():
    gradient = torch.tensor([3.0, 4.0])
    clip(AdaptiveClipping(factor=1.0), [gradient], gradient.norm(), weights=[torch.zeros(2)])
    assert gradient.norm() == pytest.approx(1e-3)


def test_small_gradients_pass_untouched():
    weight, gradient = torch.ones(3, 3), torch.full((3, 3), 1e-4)
    assert clip(AdaptiveClipping(), [gradient], gradient.norm(), weights=[weight]) == 0
    assert (gradient == 1e-4).all()
