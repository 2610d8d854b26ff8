"""The engine: the bytes of a picture and options in, an SVG drawing and a report out.

It is pure. It knows no database, network, queue, clock or settings, so the same bytes and options always give
the same drawing, and it can be run and tested with nothing else there.
"""

from shared.outputs import Format
from shared.rasters import ImageHeader, inspect_image, verify_image
from shared.tracing import TraceOptions
from workers.engine.analyse import Analysis
from workers.engine.formats import WRITERS, write_format
from workers.engine.pipeline import ENGINE_VERSION, analyse_image, suggest_image, trace, trace_file, warm
from workers.engine.preview import render_preview
from workers.engine.report import Limits, Report, Traced
from workers.engine.resize import resize

__all__ = [
    "ENGINE_VERSION",
    "WRITERS",
    "Analysis",
    "Format",
    "ImageHeader",
    "Limits",
    "Report",
    "TraceOptions",
    "Traced",
    "analyse_image",
    "inspect_image",
    "render_preview",
    "resize",
    "suggest_image",
    "trace",
    "trace_file",
    "verify_image",
    "warm",
    "write_format",
]
