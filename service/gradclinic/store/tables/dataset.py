"""Uploaded data sets."""

from sqlalchemy import Column, Double, Integer, LargeBinary, String, Table

from ..column_types import Json
from .schema import Id, Word, metadata, project

datasets = Table(
    "datasets",
    metadata,
    Column("id", Id, primary_key=True),
    Column("digest", Word, nullable=False),
    Column("task", String(16), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("shape", Json, nullable=False),
    Column("outputs", Integer, nullable=False),
    Column("classes", Json),
    Column("features", Json),
    Column("created_at", Double, nullable=False),
    Column("content", LargeBinary, nullable=False),
    project(),
)

# Metadata of a deleted data set that its runs still need: input shape and outputs of their networks.
deleted_datasets = Table(
    "deleted_datasets",
    metadata,
    Column("id", Id, primary_key=True),
    Column("task", String(16), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("shape", Json, nullable=False),
    Column("outputs", Integer, nullable=False),
    Column("deleted_at", Double, nullable=False),
    project(),
)
