"""Alerts: which conditions of a project are watched, and how alerts reach their receivers."""
