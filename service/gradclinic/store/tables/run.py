"""Runs, their studies, their statistics, and the workers."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    text,
)

from ..column_types import Json, Number
from .schema import Id, Word, edited, metadata, project, requested

_QUEUED, _CLAIMED = text("status = 'queued'"), text("attempt_started_at IS NOT NULL")
_UNFINISHED = text("ended_at IS NULL")
_ENDED = text("ended_at IS NOT NULL")
_UNMEASURED = text("stored_bytes IS NULL AND ended_at IS NOT NULL")
_TO_JOIN = text("status = 'queued' AND ensemble IS NOT NULL")
_SHARED_LAYOUT = text("layout_digest IS NOT NULL")
_OWN_LAYOUT = text("layout IS NOT NULL AND ended_at IS NOT NULL")
_STEPPED = text("ended_at IS NULL AND step > 0")
_RECORDED = text("origin = 'external' AND source <> 'study'")
"""The rows of indexes that are small, because most runs have ended or were never claimed."""

LISTED_BY = (
    "status", "condition", "source", "name", "model",
    "final_train_loss", "relative_train_loss", "final_validation_loss", "final_validation_accuracy",
)  # fmt: skip
"""The columns by which lists of runs are filtered or sorted."""

studies = Table(
    "studies",
    metadata,
    *requested(),
    Column("labels", Json, nullable=False),
    Column("experiment", Json, nullable=False),
    Column("arms", Json, nullable=False),
    Column("seeds", Json, nullable=False),
    Column("sweep", Json, nullable=False),
    Column("recorded_runs", Integer),
    *edited(),
)

runs = Table(
    "runs",
    metadata,
    *requested(),
    Column("labels", Json, nullable=False),
    Column("status", String(16), nullable=False),
    Column("origin", String(16), nullable=False),
    Column("study_id", Id, ForeignKey("studies.id", ondelete="CASCADE")),
    Column("arm", String(200)),
    Column("point", Json),
    Column("seed", Integer, nullable=False),
    Column("experiment", Json, nullable=False),
    Column("remedies", Json, nullable=False),
    Column("resolved_experiment", Json, nullable=False),
    Column("digest", Word, nullable=False),
    Column("step", Integer, nullable=False),
    Column("steps", Integer, nullable=False),
    Column("queue", String(32), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("flops", Double),
    Column("stored_bytes", BigInteger),
    Column("attempt", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("owner", String(200)),
    Column("lease_until", Double),
    Column("checkpoint", Json),
    Column("reason_code", Word, nullable=False),
    Column("reason_text", Text, nullable=False),
    Column("transition_count", Integer, nullable=False),
    Column("queued_at", Double, nullable=False),
    Column("sent_at", Double),
    Column("started_at", Double),
    Column("attempt_started_at", Double),
    Column("ended_at", Double),
    Column("layout", Json),
    Column("layout_digest", Word),
    Column("outcome", Json),
    Column("metrics", Json),
    Column("environment", Json),
    Column("diagnosis", Json),
    Column("condition", Word),
    Column("rule_set", Word),
    Column("final_train_loss", Number),
    Column("relative_train_loss", Number),
    Column("final_validation_loss", Number),
    Column("final_validation_accuracy", Number),
    Column("steps_to_target", Integer),
    Column("train_seconds", Number),
    Column("source", String(16)),
    Column("model", String(200)),
    Column("ensemble", Id),
    Column("traceparent", Word),
    Column("retention", String(16), nullable=False, server_default="raw"),
    *edited(),
    CheckConstraint("status IN ('queued','running','succeeded','failed','canceled','expired')", name="status_is_known"),
    CheckConstraint("status <> 'running' OR origin <> 'service' OR lease_until IS NOT NULL", name="running_has_lease"),
    Index(None, "study_id"),
    Index(None, "status", "lease_until"),
    Index(None, "digest"),
    Index(None, "project", "id"),
    # Lists read the keys of a page from one of these (store/run_list.py).
    *(Index(None, "project", name, "id") for name in LISTED_BY),
    Index("ix_runs_project_duration_id", "project", text("(ended_at - started_at)"), "id"),
    Index(
        "ix_runs_project_recorded_id",
        "project",
        "id",
        "origin",
        "source",
        postgresql_where=_RECORDED,
        sqlite_where=_RECORDED,
    ),
    Index("ix_runs_project_search", "project", "id", "name", "arm", "model"),
    # Without `ended_at`, SQLite would rather read an index of all runs.
    Index(None, "project", "ended_at", "flops", postgresql_where=_UNFINISHED, sqlite_where=_UNFINISHED),
    Index(None, "project", "stored_bytes", "retention"),
    Index("ix_runs_unmeasured", "id", postgresql_where=_UNMEASURED, sqlite_where=_UNMEASURED),
    Index(None, "retention", "ended_at", postgresql_where=_ENDED, sqlite_where=_ENDED),
    Index(None, "layout_digest", postgresql_where=_SHARED_LAYOUT, sqlite_where=_SHARED_LAYOUT),
    Index("ix_runs_own_layout", "id", postgresql_where=_OWN_LAYOUT, sqlite_where=_OWN_LAYOUT),
    Index(None, "step", postgresql_where=_STEPPED, sqlite_where=_STEPPED),
    Index(None, "queue", "queued_at", postgresql_where=_QUEUED, sqlite_where=_QUEUED),
    Index(None, "queue", "project", "priority", "id", postgresql_where=_QUEUED, sqlite_where=_QUEUED),
    Index("ix_runs_queued_ensemble", "ensemble", postgresql_where=_TO_JOIN, sqlite_where=_TO_JOIN),
    Index(None, "queue", "project", "attempt_started_at", postgresql_where=_CLAIMED, sqlite_where=_CLAIMED),
)

layouts = Table(
    "layouts",
    metadata,
    Column("digest", Word, primary_key=True),
    Column("document", Json, nullable=False),
)

labels = Table(
    "labels",
    metadata,
    Column("run_id", Id, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("key", String(100), nullable=False),
    Column("value", String(200), nullable=False),
    PrimaryKeyConstraint("run_id", "key"),
    Index(None, "key", "value", "run_id"),
)

transitions = Table(
    "transitions",
    metadata,
    Column("run_id", Id, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("status_before", String(16)),
    Column("status", String(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("step", Integer, nullable=False),
    Column("owner", String(200)),
    Column("reason_code", Word, nullable=False),
    Column("reason_text", Text, nullable=False),
    Column("at", Double, nullable=False),
    PrimaryKeyConstraint("run_id", "number"),
)

chunks = Table(
    "chunks",
    metadata,
    Column("run_id", Id, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("statistic", Word, nullable=False),
    Column("first_step", Integer, nullable=False),
    Column("last_step", Integer, nullable=False),
    Column("n", Integer, nullable=False),
    Column("places", Integer, nullable=False),
    Column("codec", String(16), nullable=False),
    Column("steps", LargeBinary, nullable=False),
    Column("values", LargeBinary, nullable=False),
    PrimaryKeyConstraint("run_id", "statistic", "first_step"),
)

packs = Table(
    "packs",
    metadata,
    Column("run_id", Id, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("entries", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("run_id", "number"),
)

layer_summaries = Table(
    "layer_summaries",
    metadata,
    Column("run_id", Id, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("statistic", Word, nullable=False),
    Column("position", Integer, nullable=False),
    Column("layer", String(200), nullable=False),
    Column("records", Integer, nullable=False),
    Column("nonfinite_records", Integer, nullable=False),
    Column("first", Number, nullable=False),
    Column("last", Number, nullable=False),
    Column("median", Number, nullable=False),
    Column("smallest", Number, nullable=False),
    Column("largest", Number, nullable=False),
    PrimaryKeyConstraint("run_id", "statistic", "position"),
    sqlite_with_rowid=False,
)

findings = Table(
    "findings",
    metadata,
    Column("run_id", Id, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("condition", Word, nullable=False),
    Column("severity", String(16), nullable=False),
    Column("harm", Boolean, nullable=False),
    Column("confidence", Number, nullable=False),
    Column("first_step", Integer, nullable=False),
    Column("last_step", Integer, nullable=False),
    Column("layers", Json, nullable=False),
    Column("rule", Word, nullable=False),
    Column("summary", Text, nullable=False),
    PrimaryKeyConstraint("run_id", "number"),
    Index(None, "condition", "run_id"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("key", String(255), nullable=False),
    Column("fingerprint", Word, nullable=False),
    Column("run_id", Id, ForeignKey("runs.id", ondelete="CASCADE")),
    Column("study_id", Id, ForeignKey("studies.id", ondelete="CASCADE")),
    Column("created_at", Double, nullable=False),
    project(),
    PrimaryKeyConstraint("project", "key"),
    CheckConstraint("(run_id IS NULL) <> (study_id IS NULL)", name="answers_one_thing"),
    Index(None, "run_id"),
    Index(None, "study_id"),
)

recordings = Table(
    "recordings",
    metadata,
    Column("run_id", Id, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("declared", Json, nullable=False),
    Column("windows", Integer, nullable=False),
    Column("fingerprint", Word),
    Column("stored_bytes", BigInteger, nullable=False),
)

# Defined after the tables whose triggers write to it, so that whoever empties all tables empties it last.
run_tallies = Table(
    "run_tallies",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("status", String(16), nullable=False),
    Column("reason_code", Word, nullable=False),
    Column("runs", Integer, nullable=False),
    Column("transitions", Integer, nullable=False),
    Column("steps", BigInteger, nullable=False),
)

workers = Table(
    "workers",
    metadata,
    Column("owner", String(200), primary_key=True),
    Column("queue", String(32), nullable=False),
    Column("device", Word, nullable=False),
    Column("run_id", Id),
    Column("started_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
)
