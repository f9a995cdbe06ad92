"""Trains several runs as the lanes of one batched computation, an ensemble.

Runs of one network form differ in their seed, learning rate, clipping and so on, in nothing that changes a shape. Their
weights are stacked, [lanes, ...], and every operation computes all lanes at once. Each lane remains a run of its own:
its draws, record, progress, checkpoint and ending are those of a lone run, and its module's weights are views of the
stack.
"""

from .train import LaneRun, train_together

__all__ = ["LaneRun", "train_together"]
