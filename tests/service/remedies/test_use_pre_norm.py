from gradclinic.remedies.use_pre_norm import UsePreNorm

from .experiments import READOUT, applied, changes, kinds, layers, linear, mlp, refusal, transformer


def test_a_transformer_gets_its_norms_before_each_sublayer():
    post = transformer(normalization="post_layer_norm", skip={"scale": 1.0})
    assert changes(UsePreNorm(), post) == ["/model/normalization"]
    assert kinds(applied(UsePreNorm(), post)) == kinds(transformer(normalization="pre_layer_norm", skip={"scale": 1.0}))


def test_in_a_list_the_norm_moves_to_the_front_of_the_branch_before_it():
    branch = {"kind": "residual", "body": [linear(64)]}
    post = layers(branch, {"kind": "layer_norm"}, READOUT)
    assert kinds(applied(UsePreNorm(), post)) == ["residual", "layer_norm", "linear", "linear"]


def test_where_no_norm_follows_a_skip_connection_it_is_refused():
    for none in (
        mlp(),
        transformer(normalization="pre_layer_norm", skip={"scale": 1.0}),
        transformer(normalization="post_layer_norm"),
    ):
        assert "no norm follows" in refusal(UsePreNorm(), none)
