"""docs/reference: pages that are written from the code, so that they cannot be wrong.

`make fix` writes them anew; a test holds them equal to the code.
"""

import json
from pathlib import Path
from typing import Any

from prometheus_client import Counter
from prometheus_client.metrics import MetricWrapperBase
from pydantic_core import PydanticUndefined

from shared import metrics
from shared.outputs import FORMATS, LONGEST_MM, MOST_PNG_PIXELS
from shared.settings import Settings
from shared.tracing import PRESETS, TraceOptions

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
PICTURES = FOLDER.parent / "pictures" / "options"
NOTICE = "<!-- Written from the code by `make fix`; edit the code instead. -->\n\n"

FORMATS_TEXT = f"""One price buys a drawing in every format. A vectorization's `formats` are made by its job. Any other
is made when `GET /v1/jobs/{{job_id}}/result?format=…` first asks for it, and kept until the image expires. All have the
size that `width`, `height`, `unit` and `dpi` ask for, or the image's: at most {LONGEST_MM:,} mm long, and a PNG at most
{MOST_PNG_PIXELS:,} pixels.

- **SVG** 1.1 keeps its `viewBox` at every size.
- **PDF** and **EPS** keep gradients as gradients. PDF keeps transparency; EPS knows none, so what is translucent is
  laid over white.
- **DXF** (AutoCAD 2004) has closed outlines in millimeters, with the lower left corner at the origin: polylines of
  lines and arcs, at most .01 mm from the SVG's curves, and circles where an outline is one to a fifth of a pixel.
  There are no splines. Each color is a layer, `color-ff8800` for instance, in the drawing order. For cutting take the
  preset `cut`: its shapes do not lie on each other. Gradients have one color, transparency none.
- **PNG** has transparency, and says its dpi.

"""


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


def options_page() -> str:
    """Every option with its range, its default and a picture, and every format."""
    parts = [
        "# Options and formats\n\n"
        + NOTICE
        + "What `options` of a preview or a vectorization may hold. Every field has a "
        "default, so an empty object is a\ngood trace. What is out of range is refused with 422 and costs nothing. The "
        "editor answer has the same list for programs.\n\n"
        "The pictures are traced by the engine; `.venv/bin/python -m dev.options` makes them anew.\n"
    ]
    for field in TraceOptions.fields_for_editor():
        name = field["name"]
        parts.append(f"## {name}\n\n{field['description']}\n\n{_allowed(field)}\n")
        if (PICTURES / f"{name}.png").exists():
            parts.append(f"![What {name} does](../pictures/options/{name}.png)\n")
        if name == "preset":
            parts.append("\n".join(f"- `{preset}`: {text}" for preset, text in PRESETS.items()) + "\n")
    rows = ["| format | content type | for |", "|---|---|---|"]
    rows += [f"| `{name}` | `{facts.content_type}` | {facts.description} |" for name, facts in FORMATS.items()]
    parts.append("# Formats\n\n" + FORMATS_TEXT + "\n".join(rows) + "\n")
    return "\n".join(parts)


PAGES = {"settings.md": settings_page, "metrics.md": metrics_page, "options.md": options_page}


def write_pages() -> None:
    """Write every generated page."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), "utf-8")


def _allowed(field: dict[str, Any]) -> str:
    """Range or choices, and the default."""
    default = json.dumps(list(field["default"]) if isinstance(field["default"], tuple) else field["default"])
    if "choices" in field:
        allowed = "One of " + ", ".join(f"`{choice}`" for choice in field["choices"])
    elif "minimum" in field:
        allowed = f"{field['minimum']:,} to {field['maximum']:,}"
    elif field["type"] == "colors":
        allowed = f"At most {field['maximum']} colors"
    else:
        allowed = "`true` or `false`" if field["type"] == "boolean" else "Text"
    return f"{allowed}; by default `{default}`."


def _shown(default: object) -> str:
    if default is None or default == ():
        return "none"
    return f"`{default}`"


def _bounds(metadata: list[object]) -> str:
    words = {"ge": "at least", "gt": "more than", "le": "at most"}
    return ", ".join(
        f"{words[key]} {value}" for item in metadata for key in words if (value := getattr(item, key, None)) is not None
    )
