"""nginx of deploy/nginx in front of two API processes: what it lets through, and that one of them may die."""

import os
import shutil
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
import psutil
import psycopg
import pytest
from pydantic import SecretStr

from api.grants import Grant, Grants
from dev.children import Child, Children, Program, wait_until
from dev.home import CHECKOUT
from dev.ports import free_ports, is_open
from dev.probes import http_answers
from shared.vault import Vault
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
    folder: Path


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
        yield Edge(f"http://127.0.0.1:{door}", replicas, tmp_path)


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


def test_a_result_is_kept_at_the_edge_as_long_as_the_api_says_and_no_longer(
    house: Stack, edge: Edge, new_customer: NewCustomer, picture: Path
) -> None:
    alice = new_customer("embedded@example.com")
    job = alice.finish(alice.submit(alice.upload(picture)["image_id"], "vectorizations"))

    def path_of(form: str) -> str:
        asked = {"purpose": "embed", "format": form}
        link = alice.http.get(f"/v1/jobs/{job['job_id']}/result/link", params=asked).raise_for_status()
        return httpx.URL(link.json()["url"]).path

    path = path_of("svg")
    first, second, many = (httpx.get(f"{edge.url}{path}{query}") for query in ("", "", "?again=1"))
    assert ["MISS", "HIT", "HIT"] == [one.headers["X-Cache"] for one in (first, second, many)]
    assert alice.download(job, "svg") == first.content == second.content
    assert first.headers["X-Request-Id"] == second.headers["X-Request-Id"], "the API made one answer"
    known = httpx.get(f"{edge.url}{path}", headers={"If-None-Match": second.headers["ETag"]})
    assert (304, "HIT") == (known.status_code, known.headers["X-Cache"])
    packed = [one.headers["Content-Encoding"] for one in twice(f"{edge.url}{path_of('dxf')}")]
    assert ["gzip", "gzip"] == packed

    # An address that ends soon: the answer says so, and what was kept of it is not given a moment longer.
    user_id = alice.http.get("/v1/me").json()["user_id"]
    key = Vault(SecretStr(house.running.settings["ENCRYPTION_KEYS"])).derive("grants")
    digest, ends = path.split("/")[3], int(time.time()) + 3
    grant = Grants(key).seal(Grant(UUID(user_id), UUID(job["job_id"]), ends), digest, "svg")
    brief = f"{edge.url}/v1/results/{digest}/{grant}.svg"
    assert [(200, "MISS"), (200, "HIT")] == [(one.status_code, one.headers["X-Cache"]) for one in twice(brief)]
    time.sleep(max(0.0, ends + 1 - time.time()))
    assert [410, 410] == [one.status_code for one in twice(brief)], "and the refusal is not kept either"

    log = next(edge.folder.glob("access.log")).read_text("utf-8")
    assert f"/v1/results/{digest}/[hidden]" in log
    assert not any(secret in log for secret in (grant, path.rpartition("/")[2]))


def twice(url: str) -> list[httpx.Response]:
    return [httpx.get(url), httpx.get(url)]


def test_with_every_replica_gone_the_edge_says_so_as_a_problem(edge: Edge) -> None:
    for child in edge.replicas:
        kill_at_once(child)
    answer = httpx.get(f"{edge.url}/healthz")
    assert (503, "application/problem+json", "2") == (
        answer.status_code, answer.headers["Content-Type"], answer.headers["Retry-After"]
    )  # fmt: skip


def installed_doors(folder: Path, plain: int, secure: int, upstream: str) -> Path:
    """The doors that an installation has, with a certificate of its own, at other ports."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not here to make a certificate with")
    make = (
        openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-keyout", str(folder / "tls_key"), "-out", str(folder / "tls_certificate"), "-subj", "/CN=example.com",
    )  # fmt: skip
    subprocess.run(make, check=True, capture_output=True)
    servers = (NGINX / "servers.conf").read_text("utf-8").replace("/run/secrets", str(folder))
    servers = servers.replace("listen 8080", f"listen {plain}").replace("listen 8443", f"listen {secure}")
    return configure(folder, upstream, servers)


def test_the_doors_of_an_installation_speak_tls_and_say_so_once(house: Stack, tmp_path: Path) -> None:
    plain, secure = free_ports(2)
    nginx, api = program("nginx", "nginx"), httpx.URL(house.url)
    config = installed_doors(tmp_path, plain, secure, f"server {api.host}:{api.port};\n")
    command = (nginx, "-p", str(tmp_path), "-c", str(config), "-e", "stderr", "-g", "daemon off;")
    context = ssl.create_default_context(cafile=str(tmp_path / "tls_certificate"))
    context.check_hostname = False
    with Children(tmp_path) as children, httpx.Client(verify=context) as http:
        child = children.start(Program("nginx", command, {}))
        wait_until(lambda: is_open(secure), child)
        moved = http.get(f"http://127.0.0.1:{plain}/docs?a=b", headers={"Host": "example.com"})
        assert (308, "https://example.com/docs?a=b") == (moved.status_code, moved.headers["Location"])
        asset = "/docs/assets/swagger-ui.css"
        answers = [http.get(f"https://127.0.0.1:{secure}{path}") for path in ("/healthz", asset, asset, "/metrics")]
    assert ["max-age=31536000; includeSubDomains"] * 4 == [one.headers["Strict-Transport-Security"] for one in answers]
    assert [None, "MISS", "HIT", None] == [one.headers.get("X-Cache") for one in answers]
    assert [200, 200, 200, 404] == [one.status_code for one in answers]
