"""Statistics of recorded transformers: attention, the residual stream, and embeddings.

They are measured on a few samples of the steps that are recorded in full.
"""

from .base import Statistic

STATISTICS = (
    Statistic(
        "attention_logit_max",
        "site",
        "logit",
        "Largest absolute scaled product of a query and a key that it sees, before masks and biases, over all heads",
        full=True,
        only_recorded=True,
        rank=30,
    ),
    Statistic(
        "attention_entropy",
        "site",
        "fraction",
        "Entropy of the attention weights divided by the logarithm of the number of visible keys, mean over queries and"
        " heads: 1 if all keys are attended alike, 0 if a single one is",
        full=True,
        only_recorded=True,
        rank=31,
    ),
    Statistic(
        "effective_rank",
        "site",
        "directions",
        "Participation ratio of the covariance of up to 128 tokens at the output of a block: the number of directions"
        " in which they differ",
        full=True,
        only_recorded=True,
        rank=32,
    ),
    Statistic(
        "site_max_abs",
        "site",
        "activation",
        "Largest absolute value at the site: far above the RMS where a few units carry massive activations",
        full=True,
        only_recorded=True,
        rank=33,
    ),
    Statistic(
        "embedding_norm_l2",
        "run",
        "weight",
        "L2 norm over the tables of all embeddings",
        full=True,
        only_recorded=True,
        rank=34,
    ),
)
