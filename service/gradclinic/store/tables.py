"""The tables. Times are seconds since 1970 by the database's clock; the views show them as timestamps."""

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
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from .types import Json, Number

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = String(40)
Word = String(64)

studies = Table(
    "studies",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(200)),
    Column("labels", Json, nullable=False),
    Column("experiment", Json, nullable=False),
    Column("arms", Json, nullable=False),
    Column("seeds", Json, nullable=False),
    Column("sweep", Json, nullable=False),
    Column("cancel_requested", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("request_id", Word),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(200)),
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
    Column("attempt", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("owner", String(200)),
    Column("lease_until", Double),
    Column("cancel_requested", Boolean, nullable=False),
    Column("checkpoint", Json),
    Column("reason_code", Word, nullable=False),
    Column("reason_text", Text, nullable=False),
    Column("transition_count", Integer, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("queued_at", Double, nullable=False),
    Column("sent_at", Double),
    Column("started_at", Double),
    Column("attempt_started_at", Double),
    Column("ended_at", Double),
    Column("layout", Json),
    Column("outcome", Json),
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
    Column("request_id", Word),
    CheckConstraint("status IN ('queued','running','succeeded','failed','canceled','expired')", name="status_is_known"),
    CheckConstraint("status <> 'running' OR origin <> 'service' OR lease_until IS NOT NULL", name="running_has_lease"),
    Index(None, "study_id"),
    Index(None, "status", "lease_until"),
    Index(None, "condition"),
    Index(None, "digest"),
)

labels = Table(
    "labels",
    metadata,
    Column("run_id", Id, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("key", String(100), nullable=False),
    Column("value", String(200), nullable=False),
    PrimaryKeyConstraint("run_id", "key"),
    Index(None, "key", "value"),
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
    Index(None, "condition"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("fingerprint", Word, nullable=False),
    Column("run_id", Id, ForeignKey("runs.id", ondelete="CASCADE")),
    Column("study_id", Id, ForeignKey("studies.id", ondelete="CASCADE")),
    Column("created_at", Double, nullable=False),
    CheckConstraint("(run_id IS NULL) <> (study_id IS NULL)", name="answers_one_thing"),
    Index(None, "run_id"),
    Index(None, "study_id"),
)

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
)

# What runs on a deleted data set are still understood by: how their networks began and ended.
deleted_datasets = Table(
    "deleted_datasets",
    metadata,
    Column("id", Id, primary_key=True),
    Column("task", String(16), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("shape", Json, nullable=False),
    Column("outputs", Integer, nullable=False),
    Column("deleted_at", Double, nullable=False),
)

prescriptions = Table(
    "prescriptions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(200)),
    Column("labels", Json, nullable=False, server_default="{}"),
    Column("status", String(16), nullable=False),
    Column("experiment", Json, nullable=False),
    Column("budget", Json, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("report", Json),
    Column("cancel_requested", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("request_id", Word),
    CheckConstraint("status IN ('running','succeeded','failed','canceled')", name="status_is_known"),
    Index(None, "status"),
)

trials = Table(
    "trials",
    metadata,
    Column("prescription_id", Id, ForeignKey("prescriptions.id", ondelete="CASCADE"), nullable=False),
    Column("digest", Word, nullable=False),
    Column("key", Text, nullable=False),
    Column("run_id", Id, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    PrimaryKeyConstraint("prescription_id", "digest"),
    Index(None, "run_id"),
)

# Tables of their own, and no columns of the two above, so that a version that knows only those goes on working.
prescription_keys = Table(
    "prescription_keys",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("fingerprint", Word, nullable=False),
    Column("prescription_id", Id, ForeignKey("prescriptions.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", Double, nullable=False),
    Index(None, "prescription_id"),
)

deleted_trials = Table(
    "deleted_trials",
    metadata,
    Column("prescription_id", Id, ForeignKey("prescriptions.id", ondelete="CASCADE"), nullable=False),
    Column("digest", Word, nullable=False),
    Column("key", Text, nullable=False),
    Column("seconds", Number),
    PrimaryKeyConstraint("prescription_id", "digest"),
)

baselines = Table(
    "baselines",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("pin_id", Id, ForeignKey("pins.id"), nullable=False),
    Column("created_at", Double, nullable=False),
    Index(None, "pin_id"),
)

# What a baseline's name points at, or did: it stays as history until the baseline is deleted.
pins = Table(
    "pins",
    metadata,
    Column("id", Id, primary_key=True),
    Column("baseline", String(100), nullable=False),
    Column("study_id", Id),
    Column("check_id", Id),
    Column("arm", String(200)),
    Column("experiment", Json, nullable=False),
    Column("remedies", Json, nullable=False),
    Column("seeds", Json, nullable=False),
    Column("run_ids", Json, nullable=False),
    Column("pinned_at", Double, nullable=False),
    Column("request_id", Word),
    Index(None, "baseline"),
)

# No cascade from runs: the database itself refuses to delete what a baseline or a check rests on.
pinned_runs = Table(
    "pinned_runs",
    metadata,
    Column("pin_id", Id, ForeignKey("pins.id", ondelete="CASCADE"), nullable=False),
    Column("run_id", Id, ForeignKey("runs.id"), nullable=False),
    PrimaryKeyConstraint("pin_id", "run_id"),
    Index(None, "run_id"),
)

checks = Table(
    "checks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(200)),
    Column("labels", Json, nullable=False),
    Column("baseline", String(100), nullable=False),
    Column("pin_id", Id, ForeignKey("pins.id"), nullable=False),
    Column("schedule", String(100)),
    Column("status", String(16), nullable=False),
    Column("verdict", String(16)),
    Column("experiment", Json, nullable=False),
    Column("remedies", Json, nullable=False),
    Column("seeds", Json, nullable=False),
    Column("margins", Json, nullable=False),
    Column("report", Json),
    Column("cancel_requested", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("request_id", Word),
    CheckConstraint("status IN ('running','succeeded','failed','canceled')", name="status_is_known"),
    CheckConstraint("verdict IN ('pass','fail','inconclusive')", name="verdict_is_known"),
    Index(None, "status"),
    Index(None, "baseline"),
    Index(None, "pin_id"),
    Index(None, "schedule"),
)

check_runs = Table(
    "check_runs",
    metadata,
    Column("check_id", Id, ForeignKey("checks.id", ondelete="CASCADE"), nullable=False),
    Column("run_id", Id, ForeignKey("runs.id"), nullable=False),
    PrimaryKeyConstraint("check_id", "run_id"),
    Index(None, "run_id"),
)

check_keys = Table(
    "check_keys",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("fingerprint", Word, nullable=False),
    Column("check_id", Id, ForeignKey("checks.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", Double, nullable=False),
    Index(None, "check_id"),
)

schedules = Table(
    "schedules",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("cron", String(100), nullable=False),
    Column("zone", Word, nullable=False),
    Column("baseline", String(100), nullable=False),
    Column("asks", Json, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("since", Double, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("request_id", Word),
    Index(None, "baseline"),
)

# The key is what makes a schedule fire once for each due time, however many reconcilers see it.
firings = Table(
    "firings",
    metadata,
    Column("schedule", String(100), ForeignKey("schedules.name", ondelete="CASCADE"), nullable=False),
    Column("due_at", Double, nullable=False),
    Column("fired_at", Double, nullable=False),
    Column("check_id", Id, ForeignKey("checks.id", ondelete="SET NULL")),
    Column("problem", Text),
    PrimaryKeyConstraint("schedule", "due_at"),
    Index(None, "check_id"),
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
