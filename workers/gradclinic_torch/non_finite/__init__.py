"""Finds the operation that made the first number that is not finite."""
