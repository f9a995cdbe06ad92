"""Checks the first batches and the loss for mistakes that gradients do not show."""
