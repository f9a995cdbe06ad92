"""Follows the steps of a training loop that is not the service's own."""
