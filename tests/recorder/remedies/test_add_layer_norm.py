from torch import nn

from gradclinic.remedies.add_layer_norm import AddLayerNorm

from .programs import check


def test_a_norm_stands_before_each_hidden_activation():
    found = check(AddLayerNorm(eps=0.01)).model
    assert [name for name, each in found.named_modules() if isinstance(each, nn.LayerNorm)] == ["0.1", "2.1"]
    assert found[0][1].eps == 0.01


def test_sequences_and_images_are_normalized_over_their_units():
    def sequences() -> nn.Module:
        return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3))

    def images() -> nn.Module:
        return nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))

    assert isinstance(check(AddLayerNorm(), make=sequences, shape=(4, 6)).model[0][1], nn.LayerNorm)
    assert isinstance(check(AddLayerNorm(), make=images, shape=(2, 6, 6)).model[0][1], nn.GroupNorm)
