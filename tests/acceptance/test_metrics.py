"""What an operator sees of the running stack: every metric, every panel, and the alerts that really call."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import yaml

from dev.children import Children, Program, wait_until
from dev.ports import free_ports
from dev.probes import http_answers
from dev.reference import metrics_page
from tests.acceptance.conftest import NewCustomer
from tests.acceptance.stacks import Stack, eventually
from tests.architecture.test_alerts import PROMETHEUS, RULES, queries
from tests.debian import program

# Shown by the process that counted it, the first time that it happens: nothing of the kind happens in these tests.
SELDOM = {
    "tovector_cache_unforgotten_total",
    "tovector_inbox_events_total",
    "tovector_inbox_lag_seconds",
    "tovector_webhooks_total",
    "tovector_payments_seconds",
    "tovector_purchases",
    "tovector_purchases_amount_total",
}


@pytest.fixture(scope="module")
def prometheus(house: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prometheus that watches the stack by our rules, with less patience."""
    binary = program("prometheus", "prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    rules = (PROMETHEUS / "rules.yml").read_text("utf-8")
    (folder / "rules.yml").write_text(rules.replace("_oldest_seconds) > 120", "_oldest_seconds) > 2"))
    config = {
        "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "500ms"},
        "rule_files": ["rules.yml"],
        "scrape_configs": [{"job_name": "api", "static_configs": [{"targets": [house.url.removeprefix("http://")]}]}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    (port,) = free_ports(1)
    command = (
        binary, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn",
    )  # fmt: skip
    with Children(folder) as children:
        child = children.start(Program("prometheus", command, {}))
        wait_until(http_answers(port, "/-/ready"), child)
        yield f"http://127.0.0.1:{port}"


def ask(prometheus: str, query: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{prometheus}/api/v1/query", params={"query": query}).json()
    assert "success" == answer["status"], f"{query}: {answer}"
    return answer["data"]["result"]


def called(prometheus: str, alert: str) -> str | None:
    """The state of an alert: pending, firing or None."""
    alerts = httpx.get(f"{prometheus}/api/v1/alerts").json()["data"]["alerts"]
    return next((found["state"] for found in alerts if found["labels"]["alertname"] == alert), None)


def make_a_preview(customer: Any, picture: Path) -> dict[str, Any]:
    return customer.submit(customer.upload(picture)["image_id"], "previews")


def test_every_metric_is_there_and_workers_are_seen_at_the_api(
    house: Stack, new_customer: NewCustomer, picture: Path
) -> None:
    alice = new_customer("measured@example.com")
    alice.finish(make_a_preview(alice, picture))
    documented = set(re.findall(r"^\| `(\w+)` \|", metrics_page(), re.MULTILINE))

    def missing() -> set[str]:
        text = httpx.get(f"{house.url}/metrics").text
        shown = set(re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE))
        return documented - shown - SELDOM

    assert eventually(lambda: not missing(), 15), missing()
    text = httpx.get(f"{house.url}/metrics").text
    assert re.search(r'^tovector_attempts_total{kind="preview",outcome="succeeded",slug=""} [1-9]', text, re.MULTILINE)
    assert re.search(r'^tovector_sweep_age_seconds{sweep="recover"} \d', text, re.MULTILINE)


def test_every_panel_and_rule_can_be_asked(prometheus: str) -> None:
    assert eventually(lambda: len(ask(prometheus, 'up{job="api"} == 1')) == 1, 15)
    for query in [*queries(), *(rule["expr"] for rule in RULES)]:
        ask(prometheus, query.replace("$__rate_interval", "1m"))
    assert eventually(lambda: ask(prometheus, "max by (kind) (tovector_queue_depth)"), 15)


def test_a_broken_invariant_calls_until_it_is_mended(house: Stack, prometheus: str, new_customer: NewCustomer) -> None:
    new_customer("robbed@example.com")
    change = "UPDATE users SET credit_balance = credit_balance + %s WHERE email = 'robbed@example.com'"
    with psycopg.connect(house.running.superuser_url, autocommit=True) as db:
        db.execute(change, ["0.1"])
        try:
            assert eventually(lambda: called(prometheus, "InvariantBroken") == "firing", 20)
        finally:
            db.execute(change, ["-0.1"])
    assert eventually(lambda: called(prometheus, "InvariantBroken") is None, 20)


def test_a_worker_that_takes_nothing_is_told_by_the_age_of_its_queue(
    house: Stack, prometheus: str, new_customer: NewCustomer, picture: Path
) -> None:
    alice = new_customer("waiting@example.com")
    worker = house.find("worker-preview")
    assert worker is not None
    worker.suspend()
    try:
        job = make_a_preview(alice, picture)
        assert eventually(lambda: called(prometheus, "QueueOld") == "pending", 20)
    finally:
        worker.resume()
    assert "succeeded" == alice.finish(job)["status"]
    assert eventually(lambda: called(prometheus, "QueueOld") is None, 20)


def test_the_doctor_finds_nothing_wrong_with_a_running_stack(house: Stack) -> None:
    told = house.operate("doctor")
    assert 0 == told.returncode, told.stdout + told.stderr
    parts = {line.split()[1] for line in told.stdout.splitlines() if line.startswith("ok ")}
    assert {"postgres", "migrations", "redis", "storage", "clerk", "stripe", "processes"} == parts
