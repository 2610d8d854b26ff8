"""The server's configuration as in production, for an app that has nobody waiting."""

import runpy
from pathlib import Path

_CONFIGURATION = Path(__file__).parents[2] / "deploy" / "gunicorn.py"

globals().update(
    {
        name: value
        for name, value in runpy.run_path(str(_CONFIGURATION)).items()
        if not name.startswith("_") and name not in {"post_worker_init", "on_starting"}
    }
)
