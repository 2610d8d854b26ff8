"""Procfile, docker-compose.yml, .env.example and the settings describe one and the same installation."""

import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from dev.children import StackRefused
from dev.procfile import read_procfile
from shared import messages
from shared.messages import Message, Queue
from shared.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PROCESSES = {
    program.name: program.command[-1].removeprefix("exec ") for program in read_procfile(ROOT / "Procfile", {})
}
BESIDES = {"postgres", "pgbouncer", "redis", "migrate", "nginx", "prometheus", "alertmanager", "grafana"}
# What gunicorn.py, the platform and the Procfile's shell read, rather than the house.
OF_THE_PROCESSES = {
    "HOST",
    "PORT",
    "FLOWER_PORT",
    "WEB_CONCURRENCY",
    "WEB_THREADS",
    "PROMETHEUS_MULTIPROC_DIR",
}


def examples() -> dict[str, str]:
    """Every NAME=value of .env.example, those that are commented out too."""
    text = (ROOT / ".env.example").read_text("utf-8")
    return dict(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]*)=(.*)$", text, re.MULTILINE))


def without_addresses(command: str) -> list[str]:
    return [word for word in shlex.split(command) if not word.startswith(("--address", "--port"))]


def test_compose_runs_the_processes_of_the_procfile_and_what_is_beneath_them() -> None:
    assert PROCESSES.keys() | BESIDES == SERVICES.keys()


@pytest.mark.parametrize("name", PROCESSES)
def test_compose_runs_each_process_as_the_procfile_does(name: str) -> None:
    assert without_addresses(PROCESSES[name]) == without_addresses(SERVICES[name]["command"])


def test_every_queue_has_a_worker_and_every_worker_a_queue() -> None:
    named = [names for command in PROCESSES.values() for names in re.findall(r"-Q (\S+)", command)]
    consumed = ",".join(named).split(",")
    assert sorted(queue.value for queue in Queue) == sorted(consumed)


def test_every_kind_of_message_is_known_to_workers() -> None:
    assert {kind.task for kind in Message.__subclasses__()} == {kind.task for kind in messages.ALL}


def test_every_service_is_checked_unprivileged_and_restarted() -> None:
    for name, service in SERVICES.items():
        assert service["user"] not in {"", "root", "0", "0:0"}, name
        assert ["ALL"] == service["cap_drop"], name
        assert "healthcheck" in service or service["restart"] == "no", name


def test_no_port_is_open_to_other_machines_but_the_edges() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if service.get("ports")}
    assert ["80:8080", "443:8443"] == published.pop("nginx")
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    assert {"flower", "prometheus", "alertmanager", "grafana"} == published.keys()


def test_every_service_is_bounded_and_writes_nowhere_but_in_its_volume() -> None:
    for name, service in SERVICES.items():
        assert "mem_limit" in service or service["restart"] == "no", name
        assert service.get("read_only") or name == "postgres", name
        assert ["no-new-privileges:true"] == service["security_opt"], name


def test_the_api_runs_twice_behind_the_edge_and_reaches_postgres_through_the_pooler() -> None:
    assert SERVICES["api"]["deploy"]["replicas"] >= 2
    assert "ports" not in SERVICES["api"]
    assert "1" == SERVICES["api"]["environment"]["PROXIES_IN_FRONT"]
    assert "pgbouncer" in SERVICES["api"]["depends_on"]
    assert "pool_mode = transaction" in (ROOT / "deploy" / "pgbouncer" / "pgbouncer.ini").read_text("utf-8")


def test_every_worker_shows_its_metrics_where_prometheus_asks() -> None:
    workers = [service for name, service in SERVICES.items() if name.startswith("worker-")]
    assert {"9100"} == {service["environment"]["METRICS_PORT"] for service in workers}


def test_what_compose_mounts_exists() -> None:
    mounted = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    assert [] == [
        volume for volume in mounted if volume.startswith("./") and not (ROOT / volume.partition(":")[0]).exists()
    ]


def test_every_service_that_is_waited_for_is_there() -> None:
    waited = {other for service in SERVICES.values() for other in service.get("depends_on", {})}
    assert waited <= SERVICES.keys()


def test_every_secret_that_a_process_needs_comes_as_a_file_it_is_given() -> None:
    secrets = {
        name.upper()
        for name, field in Settings.model_fields.items()
        if field.annotation is SecretStr and field.is_required()
    }
    for name in PROCESSES:
        environment: dict[str, str] = SERVICES[name]["environment"]
        files = {key.removesuffix("_FILE"): path for key, path in environment.items() if key.endswith("_FILE")}
        assert secrets == files.keys() - {"METRICS_TOKEN"}, name
        assert {path.removeprefix("/run/secrets/") for path in files.values()} <= set(SERVICES[name]["secrets"]), name
    given = {secret for service in SERVICES.values() for secret in service.get("secrets", [])}
    assert given == COMPOSE["secrets"].keys()


def test_redis_keeps_what_it_is_given() -> None:
    command = " ".join(SERVICES["redis"]["command"])
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command


def test_the_example_names_every_setting_and_nothing_else() -> None:
    assert {name.upper() for name in Settings.model_fields} | OF_THE_PROCESSES == examples().keys()


def test_the_example_is_a_valid_installation_with_the_real_defaults() -> None:
    given = {name.lower(): value for name, value in examples().items() if name not in OF_THE_PROCESSES}
    settings = Settings.model_validate(given)
    for name, field in Settings.model_fields.items():
        if field.default not in (None, ()) and not field.is_required():
            assert field.default == getattr(settings, name), name


def test_every_setting_of_the_example_has_a_comment() -> None:
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    for before, line in pairwise(lines):
        if re.match(r"(# )?[A-Z][A-Z0-9_]*=", line):
            assert before.startswith("# "), line


def test_the_image_holds_every_package_that_its_processes_import() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
    assert {"api", "shared", "workers"} <= set(re.findall(r"^COPY (\S+) \1$", dockerfile, re.MULTILINE))
    assert re.search(r"^USER (?!0|root)", dockerfile, re.MULTILINE)


def test_the_image_can_dump_the_database_beside_it() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
    (client,) = re.findall(r"postgresql-client-(\d+)", dockerfile)
    assert f"postgres:{client}" == SERVICES["postgres"]["image"]
    assert ["backups:/backups"] == SERVICES["worker-maintenance"]["volumes"]
    assert "--owner=10001" in dockerfile, "a new volume belongs to whom its folder in the image belongs to"


def test_a_process_of_the_procfile_has_a_name_of_its_own(tmp_path: Path) -> None:
    twice = tmp_path / "Procfile"
    twice.write_text("beat: celery beat\nbeat: celery beat\n")
    with pytest.raises(StackRefused, match="line 2"):
        read_procfile(twice, {})
