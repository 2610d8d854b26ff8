"""nginx of deploy/nginx in front of two API processes: what it lets through, and that one of them may die."""

import os
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from dev.children import Child, Children, Program, wait_until
from dev.home import CHECKOUT
from dev.ports import free_ports
from dev.probes import http_answers
from tests.acceptance.conftest import NewCustomer
from tests.acceptance.stacks import Stack
from tests.debian import program

NGINX = CHECKOUT / "deploy" / "nginx"
SUBMITS = 1_000
CLIENTS = 8
KILLED_AFTER = 300


@dataclass(frozen=True, slots=True)
class Edge:
    """A running nginx and the replicas behind it."""

    url: str
    replicas: list[Child]


def configure(folder: Path, upstream: str, servers: str) -> Path:
    """Our configuration with other replicas and doors, its files below `folder`."""
    user = "user root;\n" if os.getuid() == 0 else ""  # or its workers would be nobody, who may not enter here
    for name in ("nginx.conf", "api.conf"):
        text = user * (name == "nginx.conf") + (NGINX / name).read_text("utf-8")
        text = text.replace("/tmp/nginx", f"{folder}/nginx")
        (folder / name).write_text(text.replace("/dev/stdout", f"{folder}/access.log"))
    (folder / "upstream.conf").write_text(upstream)
    (folder / "servers.conf").write_text(servers)
    return folder / "nginx.conf"


def replica(children: Children, house: Stack, port: int, folder: Path) -> Child:
    settings = house.environment | house.running.settings
    own = {
        "PORT": str(port), "WEB_CONCURRENCY": "1", "WEB_THREADS": "40", "QUEUE_MAX_JOBS": "5000",
        "PROMETHEUS_MULTIPROC_DIR": str(folder / str(port)), "PROXIES_IN_FRONT": "1",
        "QUEUE_MAX_WAIT_SECONDS": "3000", "PATH": f"{CHECKOUT / '.venv' / 'bin'}:{settings['PATH']}",
    }  # fmt: skip
    command = ("gunicorn", "-c", "deploy/gunicorn.py", "api.wsgi:app")
    child = children.start(Program(f"api-{port}", command, settings | own))
    wait_until(http_answers(port, "/readyz"), child, timeout_seconds=60)
    return child


@pytest.fixture
def edge(house: Stack, tmp_path: Path) -> Iterator[Edge]:
    nginx = program("nginx", "nginx")
    door, *ports = free_ports(3)
    upstream = "".join(f"server 127.0.0.1:{port} max_fails=3 fail_timeout=2s;\n" for port in ports)
    servers = f"server {{ listen 127.0.0.1:{door}; include api.conf; }}\n"
    config = configure(tmp_path, upstream, servers)
    with Children(tmp_path) as children:
        replicas = [replica(children, house, port, tmp_path) for port in ports]
        command = (nginx, "-p", str(tmp_path), "-c", str(config), "-e", "stderr", "-g", "daemon off;")
        child = children.start(Program("nginx", command, {}))
        wait_until(http_answers(door, "/healthz"), child)
        yield Edge(f"http://127.0.0.1:{door}", replicas)


def kill_at_once(child: Child) -> None:
    """The whole replica, as when its machine is gone."""
    process = psutil.Process(child.process.pid)
    for one in [process, *process.children(recursive=True)]:
        one.kill()


def test_one_of_two_replicas_dies_under_load_and_no_submit_fails_or_counts_twice(
    house: Stack, edge: Edge, new_customer: NewCustomer, picture: Path
) -> None:
    alice = new_customer("replicas@example.com", "300")
    image_id = alice.upload(picture)["image_id"]
    done, answered = threading.Event(), Counter[int]()

    def submit(number: int) -> tuple[int, str]:
        answer = http.post(
            f"/v1/images/{image_id}/previews", json={"options": {}}, headers={"Idempotency-Key": f"submit-{number}"}
        )
        answered[answer.status_code] += 1
        if answered.total() == KILLED_AFTER:
            done.set()
        return answer.status_code, answer.json().get("job_id", "")

    def kill_one() -> None:
        assert done.wait(120)
        kill_at_once(edge.replicas[0])

    headers = {"Authorization": alice.http.headers["Authorization"]}
    with httpx.Client(base_url=edge.url, headers=headers, timeout=60) as http, ThreadPoolExecutor(CLIENTS + 1) as pool:
        killed = pool.submit(kill_one)
        answers = list(pool.map(submit, range(SUBMITS)))
        killed.result()
    with psycopg.connect(house.running.superuser_url) as db:
        row = db.execute("SELECT count(*) FROM jobs WHERE image_id = %s", [image_id]).fetchone()
    alice.http.delete(f"/v1/images/{image_id}").raise_for_status()
    assert {202: SUBMITS} == dict(answered)
    assert SUBMITS == len({job_id for _, job_id in answers})
    assert (SUBMITS,) == row


def test_the_edge_refuses_what_is_too_large_and_keeps_metrics_inside(edge: Edge) -> None:
    answer = httpx.post(f"{edge.url}/v1/images", content=b"x" * 21_100_000)
    assert (413, "application/problem+json") == (answer.status_code, answer.headers["Content-Type"])
    assert "upload-too-large" == answer.json()["slug"]
    assert 404 == httpx.get(f"{edge.url}/metrics").status_code


def test_a_refusal_before_the_body_was_read_reaches_the_client(edge: Edge) -> None:
    for _ in range(5):
        answer = httpx.post(f"{edge.url}/v1/images", content=b"x" * 15_000_000)
        assert (401, "application/problem+json") == (answer.status_code, answer.headers["Content-Type"])


def test_the_edge_compresses_hands_the_request_id_on_and_caches_what_is_public(edge: Edge) -> None:
    document = httpx.get(f"{edge.url}/openapi.json", headers={"X-Request-Id": "from-the-client"})
    assert ("gzip", "from-the-client") == (document.headers["Content-Encoding"], document.headers["X-Request-Id"])
    asset = f"{edge.url}/docs/assets/swagger-ui.css"
    ids = {httpx.get(asset).headers["X-Request-Id"] for _ in range(3)}
    assert 1 == len(ids), "only the first was made by the API"


def test_with_every_replica_gone_the_edge_says_so_as_a_problem(edge: Edge) -> None:
    for child in edge.replicas:
        kill_at_once(child)
    answer = httpx.get(f"{edge.url}/healthz")
    assert (503, "application/problem+json", "2") == (
        answer.status_code, answer.headers["Content-Type"], answer.headers["Retry-After"]
    )  # fmt: skip


def test_the_doors_of_an_installation_are_valid(tmp_path: Path) -> None:
    nginx = program("nginx", "nginx")
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not here to make a certificate with")
    make = (
        openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-keyout", str(tmp_path / "tls_key"), "-out", str(tmp_path / "tls_certificate"), "-subj", "/CN=example.com",
    )  # fmt: skip
    subprocess.run(make, check=True, capture_output=True)
    servers = (NGINX / "servers.conf").read_text("utf-8").replace("/run/secrets", str(tmp_path))
    config = configure(tmp_path, "server 127.0.0.1:9;\n", servers)
    check = (nginx, "-t", "-p", str(tmp_path), "-c", str(config), "-e", "stderr")
    run = subprocess.run(check, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
