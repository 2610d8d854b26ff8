"""What an operator sees of the running stack: every metric, every panel. Whom alerts call: test_alarms.py."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from dev.reference import metrics_page
from tests.acceptance.conftest import NewCustomer
from tests.acceptance.stacks import Stack, eventually
from tests.acceptance.watching import Prometheus, running_prometheus
from tests.architecture.test_alerts import RULES, queries

# Shown by the process that counted it, the first time that it happens: nothing of the kind happens in these tests.
SELDOM = {
    "tovector_cache_unforgotten_total",
    "tovector_inbox_events_total",
    "tovector_inbox_lag_seconds",
    "tovector_webhooks_total",
    "tovector_payments_seconds",
    "tovector_backup_age_seconds",
    "tovector_purchases",
    "tovector_purchases_amount_total",
}


@pytest.fixture(scope="module")
def prometheus(house: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that watches the stack as deploy's own would."""
    targets = {"api": house.url.removeprefix("http://")}
    with running_prometheus(tmp_path_factory.mktemp("prometheus"), targets) as prometheus:
        yield prometheus


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


def test_every_panel_and_rule_can_be_asked(prometheus: Prometheus) -> None:
    assert eventually(lambda: len(prometheus.ask('up{job="api"} == 1')) == 1, 15)
    for query in [*queries(), *(rule["expr"] for rule in RULES)]:
        prometheus.ask(query.replace("$__rate_interval", "1m"))
    assert eventually(lambda: prometheus.ask("max by (kind) (tovector_queue_depth)"), 15)


def test_the_doctor_finds_nothing_wrong_with_a_running_stack(house: Stack) -> None:
    told = house.operate("doctor")
    assert 0 == told.returncode, told.stdout + told.stderr
    parts = {line.split()[1] for line in told.stdout.splitlines() if line.startswith("ok ")}
    assert {"postgres", "migrations", "redis", "storage", "clerk", "stripe", "processes"} == parts
