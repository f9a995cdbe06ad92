"""The health of a transformer, from a few samples: attention, residual stream, and embeddings."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from gradclinic.experiments.sites import Site

from ..model.attention import Attention
from ..model.placement import plain
from .parts import Parts
from .reductions import largest_of, norms_of
from .step_statistics import Named, at_places

SAMPLES, QUERIES, TOKENS = 2, 16, 128
"""Samples and queries of each that an attention is measured on, and tokens of an effective rank."""
MOST_HEADS = 64
"""Samples times heads."""
_HIDDEN = -1e4
"""An added number below which a key is not visible."""


def of_attention(found: Attention) -> Tensor:
    """[2]: the largest absolute logit, and the mean entropy of the weights as a fraction of the largest possible.

    Logits are scaled products of visible queries and keys, without what a mask or a bias adds. A query that sees n keys
    has an entropy of at most log n; one that sees a single key does not count. NaN where there is nothing to measure.
    """
    queries, keys = found.queries, found.keys
    rows = torch.linspace(0, queries.shape[-2] - 1, min(QUERIES, queries.shape[-2])).long().to(queries.device)
    if found.weights is not None:
        chosen = min(MOST_HEADS, len(queries))
        weights = found.weights[:chosen].index_select(-2, rows).double()
        logits = _logits(queries[:chosen].index_select(-2, rows), keys[:chosen], found.scale)
        return _both(logits, weights, weights > 0)
    logits = _logits(queries[:SAMPLES].index_select(-2, rows), _repeated(keys[:SAMPLES], queries), found.scale)
    shown, visible = logits, torch.ones_like(logits, dtype=torch.bool)
    if found.causal:
        visible = visible & (torch.arange(keys.shape[-2], device=rows.device) <= rows[:, None])
    if found.mask is not None:
        whole = (*queries.shape[:-1], keys.shape[-2])
        mask = found.mask.expand(whole)[:SAMPLES].index_select(-2, rows)
        visible = visible & (mask if mask.dtype == torch.bool else mask > _HIDDEN)
        shown = logits if mask.dtype == torch.bool else logits + mask.double()
    weights = shown.masked_fill(~visible, -math.inf).softmax(dim=-1)
    return _both(logits, weights, visible)


def own_statistics(
    sites: Sequence[Site],
    values: Mapping[str, Tensor],
    *,
    attention: Tensor | None,
    embeddings: Sequence[nn.Parameter],
    sharded: bool = False,
) -> Named:
    """Those of a full step, by name; NaN at sites without a value.

    attention: [2, L], largest logit and entropy at each site; None without any.
    """
    found: Named = {}
    known = [index for index, site in enumerate(sites) if site.tap in values]
    if known:
        seen = [sites[index] for index in known]
        of_sites = {"site_max_abs": largest_of([values[site.tap].detach() for site in seen])}
        ranks = effective_ranks(seen, values)
        if ranks is not None:
            of_sites["effective_rank"] = ranks
        found |= at_places(of_sites, known, count=len(sites))
        if attention is not None:
            found["attention_logit_max"], found["attention_entropy"] = attention
    if embeddings:
        norms = norms_of([plain(each) for each in embeddings])
        found["embedding_norm_l2"] = (Parts.of(embeddings).of_norms(norms) if sharded else norms).norm().reshape(1)
    return found


def effective_ranks(sites: Sequence[Site], values: Mapping[str, Tensor]) -> Tensor | None:
    """[L]: effective rank of the tokens at the outputs of blocks, NaN elsewhere; None without sequences of tokens.

    The participation ratio of the eigenvalues of the covariance of the tokens, (sum)^2 / sum of squares: 1 if all
    tokens lie on one line, at most the number of tokens or units. Computed from the products of the tokens with each
    other, which has the same eigenvalues.
    Source: Gao et al. 2017, A theory of multineuronal dimensionality; for transformers, Dong et al. 2021,
    arXiv:2103.03404.
    """
    found = [_rank(values[site.tap]) if site.kind == "block_output" else math.nan for site in sites]
    known = [each for each in found if isinstance(each, Tensor)]
    if not known:
        return None
    nan = known[0].new_tensor(math.nan)
    return torch.stack([each if isinstance(each, Tensor) else nan for each in found])


def _rank(value: Tensor) -> Tensor | float:
    if value.ndim != 3:
        return math.nan
    tokens = value.detach().flatten(0, 1)
    rows = torch.linspace(0, len(tokens) - 1, min(TOKENS, len(tokens))).long().to(tokens.device)
    tokens = tokens.index_select(0, rows).float()
    tokens = tokens - tokens.mean(dim=0)
    with torch.autocast(tokens.device.type, enabled=False):
        products = (tokens @ tokens.T).double()
    return products.trace().square() / products.square().sum()


def _logits(queries: Tensor, keys: Tensor, scale: float) -> Tensor:
    """[..., t, S], in float64."""
    with torch.autocast(queries.device.type, enabled=False):
        products: Tensor = queries.float() @ keys.float().mT
    return products.double() * scale


def _repeated(keys: Tensor, queries: Tensor) -> Tensor:
    """The keys, each repeated for the heads of queries that share it."""
    heads = queries.shape[1] if queries.ndim == 4 else 1
    shared = heads // keys.shape[1] if queries.ndim == 4 else 1
    return keys if shared == 1 else keys.repeat_interleave(shared, dim=1)


def _both(logits: Tensor, weights: Tensor, visible: Tensor) -> Tensor:
    counts = visible.sum(dim=-1)
    several = counts > 1
    largest = torch.where(visible, logits.abs(), logits.new_tensor(0.0)).amax()
    entropies = -torch.special.xlogy(weights, weights).sum(dim=-1)
    fractions = entropies / counts.clamp(min=2).log()
    mean = torch.where(several, fractions, 0.0).sum() / several.sum()
    return torch.stack([largest, mean.to(largest.dtype)])
