"""Rules, receivers and dashboards: whom they call, what they name, and that each rule does what it says."""

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from dev.dashboards import DASHBOARDS, FOLDER, dashboard
from dev.reference import metrics_page
from tests.architecture.pages import page
from tests.architecture.source import ROOT
from tests.debian import program

DEPLOY = ROOT / "deploy"
PROMETHEUS = DEPLOY / "prometheus"


def read(path: str) -> Any:
    return yaml.safe_load((DEPLOY / path).read_text("utf-8"))


RULES: list[dict[str, Any]] = [rule for group in read("prometheus/rules.yml")["groups"] for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
RECORDED = {rule["record"] for rule in RULES if "record" in rule}


def queries() -> Iterator[str]:
    """Every query of the dashboards, as they are on disk."""
    for name in DASHBOARDS:
        for panel in json.loads((FOLDER / f"{name}.json").read_text("utf-8"))["panels"]:
            yield from (target["expr"] for target in panel["targets"])


def metrics_named_in(texts: list[str]) -> set[str]:
    return {name for text in texts for name in re.findall(r"\btovector[_:][\w:]+", text)}


def test_every_metric_of_rules_and_dashboards_is_documented() -> None:
    kinds = dict(re.findall(r"^\| `(\w+)` \| (\w+) ", metrics_page(), re.MULTILINE))
    parts = {
        f"{name}{part}" for name, kind in kinds.items() if kind == "histogram" for part in ("_bucket", "_count", "_sum")
    }
    named = metrics_named_in([*(rule["expr"] for rule in RULES), *queries()])
    assert set() == named - kinds.keys() - parts - RECORDED


def test_every_metric_of_the_house_is_in_a_rule_or_a_panel() -> None:
    kinds = re.findall(r"^\| `(\w+)` \|", metrics_page(), re.MULTILINE)
    named = metrics_named_in([*(rule["expr"] for rule in RULES), *queries()])
    assert [] == [name for name in kinds if not any(found.startswith(name) for found in named)]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_is_what_the_code_says(name: str) -> None:
    assert dashboard(name) == (FOLDER / f"{name}.json").read_text("utf-8"), "run `make fix`"


@pytest.mark.parametrize("alert", ALERTS.values(), ids=ALERTS)
def test_an_alert_says_how_urgent_it_is_and_where_the_runbook_tells_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in {"page", "ticket"}
    name, _, section = alert["annotations"]["runbook"].partition("#")
    assert section in page(name).anchors()
    assert f"`{alert['alert']}`" in page(name).text, "its section names the alert"


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_is_tested_to_call_and_to_keep_quiet(alert: str) -> None:
    checks = [
        check for test in read("prometheus/rules.test.yml")["tests"] for check in test["alert_rule_test"]
        if check["alertname"] == alert
    ]  # fmt: skip
    assert {False, True} == {bool(check["exp_alerts"]) for check in checks}


def test_prometheus_finds_every_worker_and_reads_these_rules() -> None:
    config = read("prometheus/prometheus.yml")
    workers = next(job for job in config["scrape_configs"] if job["job_name"] == "workers")
    services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
    found = {name for source in workers["dns_sd_configs"] for name in source["names"]}
    assert {name for name in services if name.startswith("worker-")} == found
    assert [*config["rule_files"]] == ["rules.yml"]


def test_the_rules_do_what_they_say() -> None:
    promtool = program("promtool", "prometheus")
    for words in (("check", "rules", "rules.yml"), ("test", "rules", "rules.test.yml")):
        run = subprocess.run((promtool, *words), cwd=PROMETHEUS, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout + run.stderr
    syntax = (promtool, "check", "config", "--syntax-only", "prometheus.yml")
    assert 0 == subprocess.run(syntax, cwd=PROMETHEUS, capture_output=True, check=False).returncode


def test_a_page_reaches_the_pager_and_a_ticket_the_mail() -> None:
    amtool = program("amtool", "prometheus-alertmanager")
    config = DEPLOY / "alertmanager" / "alertmanager.yml"
    for severity, receiver in {"page": "pager", "ticket": "mail"}.items():
        ask = (amtool, "config", "routes", "test", f"--config.file={config}", f"severity={severity}")
        assert receiver == subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
