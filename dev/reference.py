"""docs/reference: pages that are written from the code, so that they cannot be wrong.

`make fix` writes them anew; a test holds them equal to the code.
"""

from pathlib import Path

from prometheus_client import Counter
from prometheus_client.metrics import MetricWrapperBase
from pydantic_core import PydanticUndefined

from shared import metrics
from shared.settings import Settings

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
NOTICE = "<!-- Written from the code by `make fix`; edit the code instead. -->\n\n"


METRICS_INTRODUCTION = (
    "Served at `/metrics` in Prometheus's text format. What is *read* comes from Postgres or Redis and is the same\n"
    "whichever process is asked: take its `max`. The rest is counted by processes: add it up. A worker that no API\n"
    "process shares a folder with shows its own at `METRICS_PORT` "
    "([decision 40](../decisions/0040-metrics.md)).\n\n"
)


def settings_page() -> str:
    """Every setting with its default and meaning."""
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        secret = "SecretStr" in str(field.annotation)
        default = "required" if field.default is PydanticUndefined else _shown(field.default)
        bounds = _bounds(field.metadata)
        meaning = f"{field.description}{f' ({bounds})' if bounds else ''}{'; or its `_FILE`' if secret else ''}"
        rows.append(f"| `{name.upper()}` | {default} | {meaning} |")
    return (
        "# Settings\n\n" + NOTICE + "Read once at start from the environment. A secret may be named by a file instead: "
        "`REDIS_URL_FILE=/run/secrets/redis_url`.\nA missing or silly setting stops the process with one sentence.\n\n"
        + "\n".join(rows)
        + "\n"
    )


def metrics_page() -> str:
    """Every metric with its labels and meaning."""
    rows = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    for metric in vars(metrics).values():
        if isinstance(metric, metrics.Reading):
            labels = ", ".join(f"`{label}`" for label in metric.labels)
            kind, suffix = ("counter", "_total") if metric.counts else ("gauge", "")
            rows.append(f"| `{metric.name}{suffix}` | {kind} | {labels} | {metric.documentation}; read |")
        if isinstance(metric, MetricWrapperBase):
            family = next(iter(metric.describe()))
            labels = ", ".join(f"`{label}`" for label in metric._labelnames)  # pyright: ignore[reportPrivateUsage] - no public way
            suffix = "_total" if isinstance(metric, Counter) else ""
            rows.append(f"| `{family.name}{suffix}` | {family.type} | {labels} | {family.documentation} |")
    return "# Metrics\n\n" + NOTICE + METRICS_INTRODUCTION + "\n".join(rows) + "\n"


PAGES = {"settings.md": settings_page, "metrics.md": metrics_page}


def write_pages() -> None:
    """Write every generated page."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), "utf-8")


def _shown(default: object) -> str:
    if default is None or default == ():
        return "none"
    return f"`{default}`"


def _bounds(metadata: list[object]) -> str:
    words = {"ge": "at least", "gt": "more than", "le": "at most"}
    return ", ".join(
        f"{words[key]} {value}" for item in metadata for key in words if (value := getattr(item, key, None)) is not None
    )
