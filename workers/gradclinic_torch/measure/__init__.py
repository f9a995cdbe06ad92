"""Computes the statistics of a step, when the plan asks for them, and keeps them on the device until they are read."""
