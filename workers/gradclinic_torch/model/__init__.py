"""Reads a model without changing it: its modules, the order of their calls, and the autograd graph of its loss."""
