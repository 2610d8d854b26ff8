"""`python -m tests.quality.promises.heavy PICTURE SVG`: one trace within the service's budget, in a process of its own.

The process may use as much processor time and address space as a worker's engine; it answers with a line of JSON:
seconds of processor time, the most memory in bytes, and the warnings of the report.
"""

import json
import resource
import sys
import time
from pathlib import Path

from shared.settings import Settings
from shared.tracing import TraceOptions
from tests.quality.tracers import trace_by_us, warm_up


def budget() -> tuple[float, int]:
    """Seconds and bytes that a worker's engine may use, unless an operator says otherwise."""
    fields = Settings.model_fields
    return float(fields["engine_wall_seconds"].default), int(fields["engine_memory_bytes"].default)


def most_memory() -> int:
    """The most memory that this process ever had resident; what `getrusage` tells begins with our parent's."""
    (line,) = (line for line in Path("/proc/self/status").read_text("ascii").splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def main() -> None:
    """Trace, and say what it took."""
    picture, svg = map(Path, sys.argv[1:])
    seconds, memory = budget()
    warm_up(lambda path: (trace_by_us(path), 0.0))
    from workers.engine import trace  # after everything that it needs is compiled and loaded

    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    started = time.process_time()
    resource.setrlimit(resource.RLIMIT_CPU, (int(started + seconds) + 1, resource.RLIM_INFINITY))
    traced = trace(picture.read_bytes(), TraceOptions())
    taken = time.process_time() - started
    svg.write_text(traced.svg, "utf-8")
    answer = {
        "seconds": taken,
        "memory": most_memory(),
        "warnings": traced.report.warnings,
        "paths": traced.report.paths,
    }
    print(json.dumps(answer))  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
