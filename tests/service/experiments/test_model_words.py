import pytest

from gradclinic.experiments.model_words import model_in_words


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ({"kind": "mlp", "depth": 30, "width": 64, "activation": "sigmoid"}, "MLP 30 x 64, sigmoid"),
        (
            {"kind": "cnn", "depth": 3, "channels": 16, "activation": {"name": "leaky_relu"},
             "normalization": "batch_norm", "skip": {"scale": 1.0}},
            "CNN 3 x 16, leaky relu, batch norm, skip connections",
        ),
        ({"kind": "rnn", "cell": "lstm", "width": 64, "activation": "tanh"}, "LSTM 64"),
        ({"kind": "layers", "layers": [{"kind": "linear"}, {"kind": "linear"}, 3]}, "3 layers, linear"),
        ({"kind": "own_model"}, "own model"),
        ({"kind": 3}, None),
        (None, None),
    ],
)  # fmt: skip
def test_a_model_is_said_in_a_few_words(model: object, words: str | None) -> None:
    assert model_in_words({"model": model}) == words


def test_the_words_end_where_the_column_does() -> None:
    kinds = [{"kind": f"layer_{index}"} for index in range(100)]
    assert len(model_in_words({"model": {"kind": "layers", "layers": kinds}}) or "") == 200
