"""Records of networks with attention."""

from dataclasses import replace

import numpy as np

from gradclinic.measurements.record import Outcome, RunRecord, SiteInfo

from ..records import healthy_record, outcome, series_of

HEADS = ("layers.0.attention", "layers.1.attention")


def attending(*, logits: object, entropy: object, ended: Outcome | None = None) -> RunRecord:
    """A network of two attentions with those levels at each recorded step; NaN at its other sites."""
    record = healthy_record()
    others = len(record.sites)
    sites = (*record.sites, *(SiteInfo(name, "attention", in_profile=False, units=32) for name in HEADS))
    steps = np.arange(0, 300, 10)
    series = dict(record.series)
    for name, old in record.series.items():
        if old.values.shape[1] == others:
            series[name] = series_of(old.steps, np.pad(old.values[0], (0, 2), constant_values=0.3), others + 2)
    for name, level in (("attention_logit_max", logits), ("attention_entropy", entropy)):
        each = series_of(steps, level, others + 2)
        each.values[:, :others] = np.nan
        series[name] = each
    return replace(record, sites=sites, series=series, outcome=ended or outcome())
