"""Finds the sites of a model, observes what passes them, and sorts them into paths over depth."""
