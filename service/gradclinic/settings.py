"""Every setting of the service; each is an environment variable with the prefix GRADCLINIC_."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _database_beside(data: dict[str, Any]) -> str:
    return f"sqlite:///{data['data_dir'] / 'gradclinic.db'}"


def _checkpoints_beside(data: dict[str, Any]) -> Path:
    return Path(data["data_dir"]) / "checkpoints"


def _with_driver(url: str) -> str:
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


class Settings(BaseSettings):
    """What an installation decides; the defaults are those of the embedded service."""

    model_config = SettingsConfigDict(
        env_prefix="GRADCLINIC_", frozen=True, extra="ignore", use_attribute_docstrings=True
    )

    data_dir: Annotated[Path, AfterValidator(_absolute)] = Path("data").absolute()
    """Folder of everything that the embedded service stores."""
    database_url: Annotated[str, AfterValidator(_with_driver)] = Field(default_factory=_database_beside)
    """SQLite (the default, a file in data_dir) or PostgreSQL, as an SQLAlchemy URL."""
    broker_url: str = "redis://127.0.0.1:6379/0"
    """Redis or Valkey that carries the messages to the workers. The embedded service brings its own."""
    checkpoint_dir: Annotated[Path, AfterValidator(_absolute)] = Field(default_factory=_checkpoints_beside)
    """Folder of resume states. Workers on several machines that should resume each other's runs share it."""

    host: str = "127.0.0.1"
    """Address the API listens on."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8000
    """Port the API listens on; 0 is any free one."""
    cors_origins: str = ""
    """Origins, with commas between them, whose pages may read the API from a browser ("*" is any); none by default.
    There is no log-in: whoever reaches the service can use it."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe message that is logged."""
    log_format: Literal["text", "json"] = "text"
    """Lines for people, or one JSON object a line."""

    worker_queues: Annotated[str, Field(pattern=r"^(auto|(cpu|gpu)(,(cpu|gpu))?)$")] = "auto"
    """Queues a worker serves, first one first: "cpu", "gpu,cpu"...; auto is cpu, after gpu where there is a GPU."""
    lease_ttl_s: Annotated[float, Field(gt=0)] = 60.0
    """Seconds after its last heartbeat that a worker still owns its run."""
    heartbeat_s: Annotated[float, Field(gt=0)] = 20.0
    """Seconds between two heartbeats; a third of lease_ttl_s leaves room for two that fail."""
    cancel_poll_s: Annotated[float, Field(gt=0)] = 0.4
    """Seconds between two looks of a worker at whether its run is to be cancelled."""
    checkpoint_every_s: Annotated[float, Field(gt=0)] = 30.0
    """Seconds of training between two checkpoints of a run."""
    max_attempts: Annotated[int, Field(ge=1)] = 3
    """Attempts without a newer checkpoint after which a run whose workers vanish is failed."""
    reconcile_every_s: Annotated[float, Field(gt=0)] = 2.0
    """Seconds between two rounds of the reconciler."""
    resend_after_s: Annotated[float, Field(gt=0)] = 10.0
    """Seconds after which a queued run whose message seems lost gets another one: with a worker that was killed
    before it claimed the run, or with a queue that came back empty. A message too many costs next to nothing."""
    drain_s: Annotated[float, Field(gt=0)] = 20.0
    """Seconds that the embedded service gives a worker to save its run before it ends it."""

    max_parameters: Annotated[int, Field(ge=1)] = 50_000_000
    """Most trainable values of an accepted model."""
    max_steps: Annotated[int, Field(ge=1)] = 1_000_000
    """Most steps of an accepted run."""
    max_runs_per_study: Annotated[int, Field(ge=1)] = 2000
    """Most runs of an accepted study."""
    max_stored_bytes: Annotated[int, Field(ge=1)] = 512 * 2**20
    """Most bytes that the statistics of an accepted run may take."""
    max_memory_bytes: Annotated[int, Field(ge=1)] = 8 * 2**30
    """Most bytes that an accepted run is estimated to need, and that a worker may hold while it trains."""
    max_run_s: Annotated[float, Field(gt=0)] = 6 * 3600.0
    """Seconds of training in one attempt after which a run is failed."""
    recording_silence_s: Annotated[float, Field(gt=0)] = 900.0
    """Seconds without news after which a run that a user's own program records ends, judged by what came."""
    max_queue_s: Annotated[float, Field(gt=0)] = 7 * 86400.0
    """Seconds after which a run that no worker took expires."""
    max_request_bytes: Annotated[int, Field(ge=1024)] = 2 * 2**20
    """Most bytes of a JSON request."""
    max_dataset_bytes: Annotated[int, Field(ge=1024)] = 64 * 2**20
    """Most bytes of an uploaded data set; its arrays may take four times as many."""


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read from the environment once."""
    return Settings()
