"""The settings of the service. Each is an environment variable with the prefix GRADCLINIC_."""

from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from .kernel.access import Scope
from .kernel.names import NAME_PATTERN
from .kernel.plain_values import refused_form
from .kernel.project import DEFAULT, MOST_CHARACTERS


class GroupRole(BaseModel):
    """What the members of a group of the OpenID provider may do in a project."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: Annotated[str, Field(min_length=1, max_length=200)]
    """The group as the provider names it; "*" is everyone who can log in there."""
    scope: Scope
    project: Annotated[str, Field(max_length=MOST_CHARACTERS, pattern=NAME_PATTERN)] = DEFAULT


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
    """The settings of an installation; the defaults are for the embedded service."""

    model_config = SettingsConfigDict(
        env_prefix="GRADCLINIC_", frozen=True, extra="ignore", use_attribute_docstrings=True
    )

    data_dir: Annotated[Path, AfterValidator(_absolute)] = Path("data").absolute()
    """Folder where the embedded service stores its data."""
    database_url: Annotated[str, AfterValidator(_with_driver)] = Field(default_factory=_database_beside)
    """Database as an SQLAlchemy URL: SQLite (default, a file in data_dir) or PostgreSQL."""
    broker_url: str = "redis://127.0.0.1:6379/0"
    """URL of the Redis or Valkey server used as message queue. The embedded service starts its own."""
    broker_password_file: str = ""
    """File with the queue's password, used if broker_url has none. So no password is in the environment."""
    checkpoint_dir: Annotated[Path, AfterValidator(_absolute)] = Field(default_factory=_checkpoints_beside)
    """Folder of checkpoints. Share it between machines if their workers should resume each other's runs."""

    host: str = "127.0.0.1"
    """Address that the API listens on."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8000
    """Port that the API listens on; 0 picks any free port."""
    allowed_hosts: str = ""
    """Comma-separated host names under which the API may be called; "*.example.org" allows all names below it, "*" any
    name. localhost, IP addresses and `host` are always allowed. A request for any other name is refused (421)."""
    access: Literal["off", "required"] = "off"
    """Whether requests need an API key (`gradclinic keys create`). "off" is for this machine alone: the API does not
    start on an address that others can reach unless it is "required"."""
    oidc_issuer: Annotated[str, Field(pattern=r"^(https?://[^\s?#]+)?$")] = ""
    """Address of the OpenID provider with which people log in to the pages, as in its "issuer". Default: none; then
    they log in with an API key. http is for a provider on this machine only."""
    oidc_client_id: str = ""
    """Name under which this service is registered at the provider."""
    oidc_client_secret_file: str = ""
    """File with the client secret that the provider gave; none for a public client."""
    oidc_scope: Annotated[str, Field(pattern=r"^openid( [\x21-\x7e]+)*$")] = "openid profile email"
    """What is asked for at the provider; some need "groups" to tell the groups of a person."""
    oidc_groups_claim: Annotated[str, Field(min_length=1)] = "groups"
    """The claim of the ID token, or else of the userinfo, that lists the groups of a person."""
    oidc_groups: tuple[GroupRole, ...] = ()
    """What the members of each group may do, as JSON:
    [{"group": "vision-team", "scope": "run", "project": "vision"}, {"group": "ops", "scope": "admin"}]"""
    oidc_name: Annotated[str, Field(min_length=1, max_length=50)] = "single sign-on"
    """Name of the provider on the login page."""
    cors_origins: str = ""
    """Comma-separated origins whose pages may call the API from a browser (CORS); "*" allows all. Default: none.
    A page of any other origin is refused (403) if it sends a request that changes something."""
    rate_limit: Annotated[str, Field(pattern=r"^([1-9][0-9]{0,8}/(second|minute|hour|day))?$")] = ""
    """Maximum number of requests of a key, or of an address if no keys are required, for example "600/minute". More are
    refused (429). Default: no limit. Health checks and static files are not counted."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Minimum level of messages that are logged."""
    log_format: Literal["text", "json"] = "text"
    """Log format: readable text, or one JSON object per line."""

    worker_queues: Annotated[str, Field(pattern=r"^(auto|(cpu|gpu)(,(cpu|gpu))?)$")] = "auto"
    """Queues that a worker serves, in order of priority: "cpu", "gpu,cpu"...; auto is "gpu" if a GPU can be used, and
    "cpu" otherwise."""
    workers_per_gpu: Annotated[int, Field(ge=1, le=64)] = 1
    """Number of workers that share each GPU, each with an equal part of its memory. Small networks do not fill one."""
    lease_ttl_s: Annotated[float, Field(gt=0)] = 60.0
    """Seconds that a worker's lease on its run lasts after its last heartbeat."""
    max_lanes: Annotated[int, Field(ge=1, le=256)] = 16
    """Maximum number of runs of a study, check or search that a worker trains together, as lanes of one ensemble, where
    that is estimated to be faster. 1 trains every run alone."""
    heartbeat_s: Annotated[float, Field(gt=0)] = 20.0
    """Seconds between heartbeats; with a third of lease_ttl_s, two failed heartbeats are tolerated."""
    cancel_poll_s: Annotated[float, Field(gt=0)] = 0.4
    """Seconds between a worker's checks whether its run was cancelled."""
    checkpoint_every_s: Annotated[float, Field(gt=0)] = 30.0
    """Seconds of training between checkpoints of a run."""
    max_attempts: Annotated[int, Field(ge=1)] = 3
    """Attempts without a new checkpoint after which a run is failed when its workers keep disappearing."""
    reconcile_every_s: Annotated[float, Field(gt=0)] = 2.0
    """Seconds between rounds of the reconciler."""
    resend_after_s: Annotated[float, Field(gt=0)] = 10.0
    """Seconds after which the message of a queued run is sent again. Messages are lost if a worker is killed before
    it claims the run, or if the queue restarts empty. A duplicate message is harmless."""
    drain_s: Annotated[float, Field(gt=0)] = 20.0
    """Seconds that a worker of the embedded service has to save its run before it is killed."""

    public_url: Annotated[str, Field(pattern=r"^(https?://[^\s/?#]+(/[^\s?#]*)?)?$")] = ""
    """Address at which people reach the pages, for example "https://gradclinic.example.org"; alerts link to it."""
    webhook_private: bool = False
    """Whether alerts may be sent to private addresses and without https. Whoever may create webhooks can then let the
    service send requests to what only it can reach."""
    webhook_log_days: Annotated[int, Field(ge=1)] = 30
    """Days for which deliveries that ended are kept in the log of a webhook."""
    alert_queue_s: Annotated[float, Field(gt=0)] = 900.0
    """Seconds that a run waits in the queue before there is an alert (`queue.waiting`)."""
    alert_failed_runs: Annotated[int, Field(ge=1, le=100)] = 5
    """Number of runs that fail in a row before there is an alert (`runs.failing`)."""

    audit_days: Annotated[int, Field(ge=1)] = 365
    """Days for which the entries of the audit are kept."""
    thin_after_days: Annotated[int, Field(ge=0)] = 0
    """Days after its end for which all statistics of a run are kept; later, about 200 steps of each are, with extremes
    and what findings are about; 0: all are kept. Runs of baselines and checks are left as they are."""
    summarize_after_days: Annotated[int, Field(ge=0)] = 0
    """Days after its end for which statistics of layers are kept; later, losses and other curves, the summary of each
    layer, the diagnosis and the metrics are; 0: they are kept. Runs of baselines and checks are left as they are."""

    quota_runs: Annotated[int, Field(ge=0)] = 0
    """Maximum number of runs of a project that have not ended, recorded ones included; 0: no limit. Quotas refuse what
    is submitted (403), not the next rounds of a prescription."""
    quota_flops: Annotated[int, Field(ge=0)] = 0
    """Maximum number of floating-point operations of these runs together; 0: no limit."""
    quota_datasets: Annotated[int, Field(ge=0)] = 0
    """Maximum number of data sets of a project; 0: no limit."""
    quota_dataset_bytes: Annotated[int, Field(ge=0)] = 0
    """Maximum size of all data sets of a project as they are stored, in bytes; 0: no limit."""
    quota_statistics_bytes: Annotated[int, Field(ge=0)] = 0
    """Maximum size of the statistics of all runs of a project that have ended, and of its recordings, in bytes; 0: no
    limit. Beyond it, no runs are accepted until some are deleted."""

    max_parameters: Annotated[int, Field(ge=1)] = 50_000_000
    """Maximum number of trainable parameters of a model."""
    max_steps: Annotated[int, Field(ge=1)] = 1_000_000
    """Maximum number of steps of a run."""
    max_runs_per_study: Annotated[int, Field(ge=1)] = 2000
    """Maximum number of runs of a study."""
    max_study_bytes: Annotated[int, Field(ge=1)] = 32 * 2**20
    """Maximum size of the experiments of all runs of a study or a check, as JSON, in bytes."""
    max_flops: Annotated[int, Field(ge=1)] = 10**17
    """Maximum number of floating-point operations of a run: of a step, times its steps."""
    max_stored_bytes: Annotated[int, Field(ge=1)] = 512 * 2**20
    """Maximum size of a run's statistics in bytes."""
    max_memory_bytes: Annotated[int, Field(ge=1)] = 8 * 2**30
    """Maximum memory of a run in bytes: the estimate for an accepted run, and the limit for a training worker. On a
    GPU, the limit for what its worker holds outside the GPU."""
    max_device_bytes: Annotated[int, Field(ge=0)] = 0
    """Maximum memory of a run on a GPU in bytes: the estimate for an accepted run with training.device "cuda", and the
    limit of the worker's allocator; 0: the worker's share of its GPU."""
    max_run_s: Annotated[float, Field(gt=0)] = 6 * 3600.0
    """Maximum training time of one attempt in seconds; longer runs are failed."""
    recording_silence_s: Annotated[float, Field(gt=0)] = 900.0
    """Seconds without new data after which a run recorded from an external program is ended and diagnosed."""
    max_queue_s: Annotated[float, Field(gt=0)] = 7 * 86400.0
    """Seconds after which a queued run that no worker has claimed expires."""
    max_request_bytes: Annotated[int, Field(ge=1024)] = 2 * 2**20
    """Maximum size of a JSON request in bytes."""
    max_dataset_bytes: Annotated[int, Field(ge=1024)] = 64 * 2**20
    """Maximum size of an uploaded data set in bytes; its arrays may take four times as many in memory."""

    @field_validator("*", mode="before")
    @classmethod
    def _read_plain_numbers(cls, value: object, info: ValidationInfo) -> object:
        annotation = cls.model_fields[info.field_name or ""].annotation
        if isinstance(value, str) and annotation in (int, float) and (form := refused_form(annotation, value)):
            raise ValueError(f"should be {form.words}")
        if isinstance(value, str) and annotation is float and not isfinite(float(value)):
            raise ValueError("should be finite")
        return value

    @property
    def broker(self) -> str:
        """The URL of the queue with its password. Raises OSError if the password's file cannot be read."""
        parts = urlsplit(self.broker_url)
        if not self.broker_password_file or parts.password:
            return self.broker_url
        password = Path(self.broker_password_file).read_text("utf-8").strip()
        host = parts.netloc.rpartition("@")[2]
        return parts._replace(netloc=f"{parts.username or ''}:{quote(password, safe='')}@{host}").geturl()


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read once from the environment."""
    return Settings()
