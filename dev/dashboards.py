"""Grafana's dashboards, written from code: `make fix` writes deploy/grafana/dashboards/ anew, a test holds them equal.

A panel is a title, a unit and its queries. What is read is taken by max, what is counted is summed
(docs/decisions/0040-metrics.md).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "deploy" / "grafana" / "dashboards"
SOURCE = {"type": "prometheus", "uid": "prometheus"}
WIDTH, HEIGHT, COLUMNS = 12, 8, 24


@dataclass(frozen=True, slots=True)
class Panel:
    """A graph; `queries` are PromQL by legend, `unit` is one of Grafana's."""

    title: str
    unit: str
    queries: Mapping[str, str]


def _quantile(quantile: float, metric: str, by: str) -> str:
    return f"histogram_quantile({quantile}, sum by (le, {by}) (rate({metric}_bucket[$__rate_interval])))"


def _rate(metric: str, by: str) -> str:
    return f"sum by ({by}) (rate({metric}[$__rate_interval]))"


OVERVIEW = (
    Panel("Requests a second", "reqps", {"{{route}}": _rate("tovector_http_requests_total", "route")}),
    Panel(
        "Answers that were errors",
        "reqps",
        {"{{route}} {{status}}": _rate('tovector_http_requests_total{status=~"[45].."}', "route, status")},
    ),
    Panel(
        "Time to answer, 99th percentile",
        "s",
        {"{{route}}": _quantile(0.99, "tovector_http_request_seconds", "route")},
    ),
    Panel(
        "Error budgets: bad of the last hour",
        "percentunit",
        {
            "submits failed": "tovector:submit_errors:ratio_1h",
            "submits slow": "tovector:submit_slow:ratio_1h",
            "jobs late": "tovector:jobs_late:ratio_1h",
        },
    ),
    Panel(
        "Calls to storage, 95th percentile",
        "s",
        {"{{operation}}": _quantile(0.95, "tovector_storage_seconds", "operation")},
    ),
    Panel(
        "Calls to others that failed",
        "reqps",
        {
            "storage {{operation}}": _rate('tovector_storage_seconds_count{outcome!="ok"}', "operation"),
            "Stripe {{operation}}": _rate('tovector_payments_seconds_count{outcome!="ok"}', "operation"),
            "unlimited requests": "sum(rate(tovector_limits_open_total[$__rate_interval]))",
        },
    ),
    Panel(
        "Copies in Redis: found, of those looked for",
        "percentunit",
        {
            "{{cache}}": (
                'sum by (cache) (rate(tovector_cache_reads_total{outcome=~"hit|waited"}[$__rate_interval])) / '
                "sum by (cache) (rate(tovector_cache_reads_total[$__rate_interval]))"
            )
        },
    ),
    Panel(
        "Copies in Redis that were no use",
        "ops",
        {
            "{{cache}} {{outcome}}": _rate('tovector_cache_reads_total{outcome!~"hit|waited"}', "cache, outcome"),
            "{{cache}} not forgotten": _rate("tovector_cache_unforgotten_total", "cache"),
        },
    ),
    Panel("Processes that answer", "short", {"{{job}}": "sum by (job) (up)"}),
    Panel("Broken invariants", "short", {"{{invariant}}": "max by (invariant) (tovector_invariant_violations) > 0"}),
)
JOBS = (
    Panel("Waiting for a worker", "short", {"{{kind}}": "max by (kind) (tovector_queue_depth)"}),
    Panel("Longest wait", "s", {"{{kind}}": "max by (kind) (tovector_queue_oldest_seconds)"}),
    Panel(
        "Running, and past their lease",
        "short",
        {
            "{{kind}} running": "max by (kind) (tovector_jobs_running)",
            "{{kind}} expired": "max by (kind) (tovector_leases_expired)",
        },
    ),
    Panel("Ended a second", "ops", {"{{kind}} {{status}}": _rate("tovector_jobs_finished_total", "kind, status")}),
    Panel("From submit to result, 95th percentile", "s", {"{{kind}}": _quantile(0.95, "tovector_job_seconds", "kind")}),
    Panel(
        "Stages, 95th percentile",
        "s",
        {"{{kind}} {{stage}}": _quantile(0.95, "tovector_job_stage_seconds", "kind, stage")},
    ),
    Panel(
        "Attempts that did not succeed",
        "ops",
        {
            "{{outcome}} {{slug}}": _rate('tovector_attempts_total{outcome!="succeeded"}', "outcome, slug"),
            "left to vtracer": "sum(rate(tovector_engine_fallbacks_total[$__rate_interval]))",
        },
    ),
    Panel(
        "Messages and wake-ups",
        "short",
        {
            "{{queue}} in Redis": "max by (queue) (tovector_broker_messages)",
            "wake-ups in Postgres": "max(tovector_wakeups_waiting)",
            "sent again": "sum(increase(tovector_wakeups_resent_total[$__rate_interval]))",
            "not sent": "sum(increase(tovector_publish_failures_total[$__rate_interval]))",
        },
    ),
)
MONEY = (
    Panel(
        "Credits moved an hour",
        "short",
        {"{{entry}}": "3600 * max by (entry) (rate(tovector_credits_moved_total[1h]))"},
    ),
    Panel("Credits of all accounts", "short", {"{{balance}}": "max by (balance) (tovector_credits_held)"}),
    Panel("Purchases", "short", {"{{status}}": "max by (status) (tovector_purchases)"}),
    Panel(
        "Money a day, gross",
        "short",
        {"{{currency}}": "max by (currency) (increase(tovector_purchases_amount_total[1d])) / 100"},
    ),
    Panel("Webhooks", "ops", {"{{provider}} {{outcome}}": _rate("tovector_webhooks_total", "provider, outcome")}),
    Panel(
        "Webhooks that wait",
        "s",
        {
            "{{provider}} oldest": "max by (provider) (tovector_inbox_oldest_seconds)",
            "{{provider}} handled, 95th percentile": _quantile(0.95, "tovector_inbox_lag_seconds", "provider"),
        },
    ),
    Panel(
        "Webhooks kept",
        "short",
        {
            "{{provider}} waiting": "max by (provider) (tovector_inbox_waiting)",
            "{{provider}} set aside": "max by (provider) (tovector_inbox_set_aside)",
            "{{provider}} {{outcome}}": "sum by (provider, outcome) (increase(tovector_inbox_events_total[1h]))",
        },
    ),
    Panel(
        "Reconciliation",
        "short",
        {
            "settled late": "sum(increase(tovector_payments_settled_late_total[1d]))",
            "unexplained": "sum(increase(tovector_payments_unexplained_total[1d]))",
        },
    ),
    Panel(
        "Calls to Stripe, 95th percentile",
        "s",
        {"{{operation}}": _quantile(0.95, "tovector_payments_seconds", "operation")},
    ),
    Panel("Accounts", "short", {"accounts": "max(tovector_accounts)"}),
)
RETENTION = (
    Panel("Images past their time", "short", {"images": "max(tovector_images_overdue)"}),
    Panel("The first of them", "s", {"past its time": "max(tovector_images_overdue_seconds)"}),
    Panel("Images removed", "short", {"images": "sum(increase(tovector_images_expired_total[$__rate_interval]))"}),
    Panel(
        "Sweeps: time since the last, in intervals",
        "short",
        {
            "{{sweep}}": (
                "max by (sweep) (tovector_sweep_age_seconds) / max by (sweep) (tovector_sweep_interval_seconds)"
            )
        },
    ),
    Panel("Invariants last checked", "s", {"ago": "min(tovector_invariants_age_seconds)"}),
    Panel("Last backup that was checked", "s", {"ago": "max(tovector_backup_age_seconds)"}),
)
DASHBOARDS: Mapping[str, tuple[str, Sequence[Panel]]] = {
    "overview": ("tovector: overview", OVERVIEW),
    "jobs": ("tovector: jobs and queues", JOBS),
    "money": ("tovector: money", MONEY),
    "retention": ("tovector: retention", RETENTION),
}


def dashboard(name: str) -> str:
    """One dashboard as Grafana reads it (Grafana's dashboard JSON model, schema version 39)."""
    title, panels = DASHBOARDS[name]
    model = {
        "uid": f"tovector-{name}",
        "title": title,
        "tags": ["tovector"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "panels": [_graph(number, panel) for number, panel in enumerate(panels)],
    }
    return json.dumps(model, indent=2) + "\n"


def _graph(number: int, panel: Panel) -> dict[str, object]:
    row, column = divmod(number * WIDTH, COLUMNS)
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "datasource": SOURCE,
        "gridPos": {"x": column, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {"refId": chr(ord("A") + place), "datasource": SOURCE, "expr": query, "legendFormat": legend}
            for place, (legend, query) in enumerate(panel.queries.items())
        ],
    }


def write_dashboards() -> None:
    """Write every dashboard."""
    for name in DASHBOARDS:
        (FOLDER / f"{name}.json").write_text(dashboard(name), "utf-8")
