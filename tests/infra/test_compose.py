"""The compose file and the Dockerfiles, as far as they can be known right without an engine."""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis
import tomllib
import yaml
from limits import parse
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from sqlalchemy import make_url
from tests.servers import Postgres, free_port
from tests.waiting import eventually
from typer.testing import CliRunner

from gradclinic.api.http.rate import Rates
from gradclinic.cli.commands import app
from gradclinic.embedded.valkey import server_path
from gradclinic.kernel.errors import ServiceUnavailable
from gradclinic.queue.messages import Queue, celery_app
from gradclinic.settings import Settings
from gradclinic.store import Message, migrate

OURS = ("api", "migration", "reconciler", "worker", "worker-gpu")


def tool(name: str) -> str:
    return str(Path(sys.executable).parent / name)


@pytest.fixture(scope="module")
def services(checkout: Path) -> dict[str, dict]:
    compose = [tool("docker-compose"), "-f", str(checkout / "docker-compose.yml"), "--profile", "*"]
    finished = subprocess.run(
        [*compose, "config", "--format", "json"],
        env={**os.environ, "POSTGRES_PASSWORD": "secret"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(finished.stdout)["services"]


def test_compose_refuses_to_start_without_a_password_of_ones_own(checkout):
    environment = {name: value for name, value in os.environ.items() if name != "POSTGRES_PASSWORD"}
    finished = subprocess.run(
        [tool("docker-compose"), "-f", str(checkout / "docker-compose.yml"), "config", "-q"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert finished.returncode != 0
    assert "set POSTGRES_PASSWORD" in finished.stderr


def test_every_variable_of_ours_is_a_setting(services):
    known = {f"GRADCLINIC_{name.upper()}" for name in Settings.model_fields}
    named = {variable for name in OURS for variable in services[name]["environment"]}
    standard = {variable for variable in named if variable.startswith("OTEL_")}
    assert named - standard
    assert named - standard <= known


def test_traces_are_exported_only_where_a_collector_is_named(services, checkout):
    assert services["api"]["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"] == ""
    assert "opentelemetry-sdk" in locked(checkout, "api")


def test_the_settings_that_compose_gives_are_accepted(services, monkeypatch):
    for variable, value in services["worker"]["environment"].items():
        monkeypatch.setenv(variable, value)
    settings = Settings()
    assert settings.database_url == "postgresql+psycopg://gradclinic:secret@postgres:5432/gradclinic"
    assert settings.broker_url == "redis://valkey:6379/0"


@pytest.mark.parametrize("name", OURS)
def test_every_command_exists(services, name):
    """The command line itself is asked: with --help behind it, a command that exists succeeds."""
    program, *arguments = services[name]["command"]
    assert program == "gradclinic"
    finished = CliRunner().invoke(app, [*arguments, "--help"])
    assert finished.exit_code == 0, finished.output
    options = [argument for argument in arguments if argument.startswith("--")]
    assert all(option in finished.output for option in options)


def test_a_command_that_does_not_exist_would_be_noticed():
    assert CliRunner().invoke(app, ["no-such-command", "--help"]).exit_code != 0


def test_every_service_is_bounded_unprivileged_and_read_only(services):
    for name, service in services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"]), name
        if name not in OURS:
            assert service["user"] not in ("root", "0"), name


def test_our_images_do_not_run_as_root(services, checkout):
    for name in OURS:
        dockerfile = (checkout / services[name]["build"]["dockerfile"]).read_text()
        last_stage = dockerfile[dockerfile.rindex("\nFROM ") :]
        assert "\nUSER 10001\n" in last_stage, name


def test_whoever_writes_or_removes_checkpoints_shares_their_folder_and_may(services, checkout):
    for name in ("worker", "worker-gpu", "reconciler"):
        target = services[name]["environment"]["GRADCLINIC_CHECKPOINT_DIR"]
        (volume,) = services[name]["volumes"]
        assert (volume["source"], volume["target"]) == ("checkpoints", target)
        # A new volume takes the owner of the image's folder, whichever service is first.
        assert f"chown 10001 {target}\n" in (checkout / services[name]["build"]["dockerfile"]).read_text(), name


def test_nothing_starts_before_the_tables_are_there(services):
    for name in OURS:
        if name == "migration":
            assert services[name]["depends_on"]["postgres"]["condition"] == "service_healthy"
        else:
            assert services[name]["depends_on"]["migration"]["condition"] == "service_completed_successfully"


def check_rights(queue: Queue, settings: Settings) -> None:
    """With the password, everything can be done that the service does, and nothing that harms the server."""
    assert queue.send([Message("run_1", "cpu")]) == ["run_1"]
    assert queue.depths()["cpu"] == 1
    with celery_app(settings).connection_for_read() as connection:
        waiting = connection.SimpleQueue("cpu")
        message = waiting.get(timeout=10)
        assert message.payload[0] == ["run_1"]
        message.ack()
        waiting.close()

    async def count() -> bool:
        rates = Rates(parse("1/hour"), broker=settings.broker)
        first, second = await rates.take("key_1"), await rates.take("key_1")
        shared = rates._paused_until == 0.0
        await rates.close()
        return first.allowed and not second.allowed and shared

    assert asyncio.run(count())
    with redis.Redis.from_url(settings.broker) as client:
        for command in ("FLUSHALL", "SHUTDOWN", "CONFIG GET *", "ACL LIST", "KEYS *", "REPLICAOF a 1"):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*command.split())


def test_the_queue_wants_a_password_that_only_files_have(services, checkout, tmp_path):
    """The container's own start script, with the paths of this machine."""
    assert services["worker"]["environment"]["GRADCLINIC_BROKER_PASSWORD_FILE"] == "/run/secrets/valkey_password"
    for name in ("valkey", *OURS):
        assert [secret["source"] for secret in services[name]["secrets"]] == ["valkey_password"], name
    (tmp_path / "password").write_text("letmein\n")
    shell, flag, script, *arguments = services["valkey"]["command"]
    # Compose shows a dollar sign as two.
    script = script.replace("$$", "$").replace("/tmp/valkey.conf", str(tmp_path / "valkey.conf"))
    script = script.replace("/run/secrets/valkey_password", str(tmp_path / "password")).replace(
        "exec valkey-server", f"exec {server_path()}"
    )
    port = free_port()
    command = [shell, flag, script, *arguments, "--port", str(port), "--dir", str(tmp_path)]
    url = f"redis://127.0.0.1:{port}/0"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            queue = Queue(Settings(broker_url=url, broker_password_file=str(tmp_path / "password")))
            eventually(lambda: answers(queue))
            assert not answers(Queue(Settings(broker_url=url)))
            assert b"letmein" not in Path(f"/proc/{server.pid}/cmdline").read_bytes()
            assert (tmp_path / "valkey.conf").stat().st_mode & 0o077 == 0
            check_rights(queue, Settings(broker_url=url, broker_password_file=str(tmp_path / "password")))
        finally:
            server.terminate()


def test_the_service_is_no_superuser_of_its_database_and_the_superuser_has_no_password(services, checkout):
    """The container's own script, on a server of this machine."""
    environment = services["postgres"]["environment"]
    assert environment["POSTGRES_DB"] == make_url(services["api"]["environment"]["GRADCLINIC_DATABASE_URL"]).database
    (script,) = [each["source"] for each in services["postgres"]["volumes"] if each["type"] == "bind"]
    assert Path(script) == checkout / "docker/postgres-role.sh"
    server = Postgres()
    server.start()
    try:
        admin = server.url().replace("+psycopg", "")
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute("CREATE DATABASE gradclinic")
            connection.execute("ALTER ROLE postgres PASSWORD 'secret'")
            path = f"{server.binaries}:{os.environ['PATH']}"
            here = {"PATH": path, "PGHOST": "127.0.0.1", "PGPORT": str(server.port), **environment}
            subprocess.run([script], env=here, check=True)
            roles = connection.execute("SELECT rolname, rolsuper, rolbypassrls, rolpassword IS NULL FROM pg_authid")
            found = {name: facts for name, *facts in roles}
        assert (found["gradclinic"], found["postgres"][2]) == ([False, False, False], True)
        migrate.upgrade(server.url("gradclinic").replace("postgres@", "gradclinic@"))
    finally:
        server.close()


def answers(queue: Queue) -> bool:
    try:
        queue.ping()
    except ServiceUnavailable:
        return False
    return True


def test_the_queue_is_written_to_disk_and_evicts_nothing(services):
    command = services["valkey"]["command"]
    assert command[command.index("--appendonly") + 1] == "yes"
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def test_only_the_api_and_the_reconciler_reach_what_is_outside(services, checkout):
    networks = {name: set(service["networks"]) for name, service in services.items()}
    assert networks.pop("api") == networks.pop("reconciler") == {"data", "outside"}
    assert all(found == {"data"} for found in networks.values()), networks
    assert yaml.safe_load((checkout / "docker-compose.yml").read_text())["networks"]["data"] == {"internal": True}


def test_only_the_api_is_reachable_and_only_from_the_machine_itself(services):
    published = {name: service["ports"] for name, service in services.items() if service.get("ports")}
    assert list(published) == ["api"]
    assert [port["host_ip"] for port in published["api"]] == ["127.0.0.1"]


def test_nobody_is_answered_without_a_key(services):
    assert "0.0.0.0" in services["api"]["command"]
    assert services["api"]["environment"]["GRADCLINIC_ACCESS"] == "required"


def test_the_gpu_worker_reserves_one_nvidia_device(services):
    (device,) = services["worker-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert device["driver"] == "nvidia"
    assert device["capabilities"] == ["gpu"]
    assert device["device_ids"] == ["0"]  # one; GRADCLINIC_GPU names another
    assert services["worker-gpu"]["profiles"] == ["gpu"]
    assert "reservations" not in services["worker"]["deploy"]["resources"]


def test_the_api_image_has_no_torch_and_the_worker_image_has(checkout):
    assert "torch" not in (checkout / "docker/api.Dockerfile").read_text().replace("need torch", "")
    assert "--constraint constraints.txt torch" in (checkout / "docker/worker.Dockerfile").read_text()
    assert not {"torch", "scikit-learn"} & locked(checkout, "api").keys()


def locked(checkout, image):
    """The packages of an image, each with its version and the number of its hashes."""
    text = (checkout / f"docker/{image}.requirements.txt").read_text()
    found = re.findall(r"^([a-z0-9-]+)==(\S+)((?: \\\n +--hash=sha256:[0-9a-f]{64})+)$", text, re.MULTILINE)
    assert len(found) == text.count("==")
    return {name: (version, hashes.count("sha256:")) for name, version, hashes in found}


@pytest.mark.parametrize(
    ("image", "extras"),
    [("api", ("service", "ui", "oidc", "telemetry")), ("worker", ("service", "worker", "telemetry"))],
)
def test_an_image_installs_what_is_pinned_with_hashes_from_one_index(checkout, image, extras):
    pins = (checkout / "constraints.txt").read_text().splitlines()
    versions = {canonicalize_name(pin.partition("==")[0]): pin.partition("==")[2] for pin in pins}
    found = locked(checkout, image)
    assert {name: version for name, (version, _) in found.items() if versions.get(name, version) != version} == {}
    project = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]
    needed = [project["dependencies"], *(project["optional-dependencies"][extra] for extra in extras)]
    names = {canonicalize_name(Requirement(each).name) for part in needed for each in part}
    assert names - found.keys() <= {"gradclinic", "torch"}
    dockerfile = (checkout / f"docker/{image}.Dockerfile").read_text()
    assert "extra-index-url" not in dockerfile.lower().replace("_", "-")
    installs = re.findall(r"pip install (.*)", dockerfile)
    assert all("--require-hashes" in each or "--no-index" in each or each.endswith(" torch") for each in installs)


def test_the_images_of_others_are_pinned_by_the_digests_that_a_registry_has_now(services, checkout, tmp_path):
    digest = "sha256:" + "a" * 64
    (tmp_path / "docker").write_text(f"#!/bin/sh\necho {digest}\n")
    (tmp_path / "docker").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    made = subprocess.run([checkout / "docker/pin"], env=environment, capture_output=True, text=True, check=True)
    pinned = yaml.safe_load(made.stdout)["services"]
    assert pinned.keys() == services.keys()
    images = {each["image"] for each in pinned.values() if "image" in each}
    assert images == {f"{services[name]['image']}@{digest}" for name in ("postgres", "valkey")}
    arguments = [each["build"]["args"]["PYTHON"] for each in pinned.values() if "build" in each]
    assert set(arguments) == {f"python:3.13-slim-bookworm@{digest}"}
    assert sum("build" in service for service in services.values()) == len(arguments)
    (tmp_path / "docker").write_text("#!/bin/sh\necho nothing\n")
    failed = subprocess.run([checkout / "docker/pin"], env=environment, capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert "no digest of python:3.13" in failed.stderr


def test_the_builder_gets_what_is_copied_and_nothing_else(checkout):
    copied = {
        source
        for path in (checkout / "docker").glob("*Dockerfile")
        for line in path.read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    }
    ignore = [line for line in (checkout / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert ignore[0] == "*"
    assert {line.removeprefix("!") for line in ignore if line.startswith("!")} == copied
    assert all((checkout / source).exists() for source in copied)


def test_hadolint_has_nothing_to_say(checkout):
    files = sorted(str(path) for path in (checkout / "docker").glob("*Dockerfile"))
    assert files
    subprocess.run([tool("hadolint"), *files], check=True)
