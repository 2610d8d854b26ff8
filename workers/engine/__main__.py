"""`python -m workers.engine` warms the engine; `python -m workers.engine IN OUT` traces a file with default options."""

import sys
from pathlib import Path

from shared.errors import ProblemError
from workers.engine import trace_file, warm
from workers.engine.kernels import forget_older_kernels

if len(sys.argv) == 3:
    try:
        Path(sys.argv[2]).write_text(trace_file(sys.argv[1]), encoding="utf-8")
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")
    except ProblemError as error:
        sys.exit(f"{sys.argv[1]}: {error}")
else:
    warm()
    forget_older_kernels()
