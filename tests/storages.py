"""A storage stand-in beside whatever else is measured or rehearsed, with a bucket of its own."""

import os
import sys
from pathlib import Path

from pydantic import SecretStr

from dev.children import Children, Program, wait_until
from dev.ports import free_ports, is_open
from dev.standins.storage.keys import service_key
from shared.storage import Storage

SECRET = "a-secret-of-the-stand-in-with-more-than-32-bytes"
BUCKET = "images"


def start_storage(children: Children, data: Path) -> Storage:
    """Serve what lies in a folder; ends with the children."""
    (port,) = free_ports(1)
    command = (
        sys.executable, "-m", "dev.standins.storage", "--port", str(port), "--data", str(data),
        "--jwt-secret", SECRET, "--bucket", BUCKET,
    )  # fmt: skip
    child = children.start(Program("storage", command, environment=dict(os.environ)))
    wait_until(lambda: is_open(port), child, timeout_seconds=120)  # it reads every object first
    return Storage(f"http://127.0.0.1:{port}", SecretStr(service_key(SECRET)), BUCKET, 10)
