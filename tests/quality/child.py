"""`python -m tests.quality.child TRACER`: one tracer in a process of its own, which may crash or hang.

Takes a line of JSON for each picture, the paths of picture and SVG; answers with one: the processor time in seconds,
or what went wrong.
"""

import json
import sys
from pathlib import Path

from tests.quality.tracers import TRACERS, warm_up


def main() -> None:
    """Serve until the input ends."""
    trace = TRACERS[sys.argv[1]].trace
    warm_up(trace)
    for line in sys.stdin:
        job = json.loads(line)
        try:
            svg, seconds = trace(Path(job["picture"]))
            Path(job["svg"]).write_text(svg, "utf-8")
            answer = {"seconds": seconds}
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a panic of Rust is no Exception
            answer = {"failure": f"{type(error).__name__}: {error}"[:200]}
        print(json.dumps(answer), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
