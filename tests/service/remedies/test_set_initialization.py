from gradclinic.remedies.set_initialization import SetInitialization

from .experiments import READOUT, applied, cnn, layers, linear, mlp, refusal, rnn, transformer


def test_the_default_is_xavier():
    assert applied(SetInitialization(), mlp()).model.initialization.scheme == "xavier_uniform"


def test_every_field_of_it_can_be_set():
    fields = {"scheme": "orthogonal", "gain": 1.5, "bias": 0.1, "input_gain": 0.2, "zero_last_in_residual": True}
    remedy = SetInitialization.model_validate({"initialization": fields})
    for before in (mlp(), cnn(), rnn(), transformer()):
        after = applied(remedy, before)
        assert fields.items() <= after.model.initialization.to_json().items()


def test_it_replaces_what_single_layers_declare_for_themselves():
    own = linear(initialization={"scheme": "normal", "std": 5.0})
    after = applied(SetInitialization(), layers(own, READOUT))
    assert after.model.layers[0].initialization is None


def test_the_same_initialization_is_refused():
    before = mlp(initialization={"scheme": "xavier_uniform"})
    assert "already" in refusal(SetInitialization(), before)
