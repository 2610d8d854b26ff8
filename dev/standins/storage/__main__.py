"""Serves the storage stand-in on loopback until SIGTERM: `--port N --data DIR --jwt-secret S [--bucket NAME]`."""

import argparse
from pathlib import Path

from dev.standins.storage.app import StorageApp, application
from dev.standins.storage.fields import Fields
from dev.standins.web import Server

GLOBAL_LIMIT_BYTES = 50 * 1024 * 1024  # the hosted service's default

SHORTEST_SECRET = 32


def main() -> None:
    """Serve the folder; one ready line on stdout, nothing else."""
    parser = argparse.ArgumentParser(prog="python -m dev.standins.storage", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="loopback port; 0 takes a free one")
    parser.add_argument("--data", type=Path, required=True, help="folder for buckets and objects")
    parser.add_argument("--jwt-secret", required=True, help="secret of the API keys (see dev.standins.storage.keys)")
    parser.add_argument("--bucket", help="private bucket to make if it is not there")
    parser.add_argument("--global-limit-bytes", type=int, default=GLOBAL_LIMIT_BYTES)
    options = parser.parse_args()
    if len(options.jwt_secret) < SHORTEST_SECRET:
        parser.error(f"--jwt-secret needs at least {SHORTEST_SECRET} characters, as with the hosted service")
    app = StorageApp(options.data, options.jwt_secret, options.global_limit_bytes)
    if options.bucket and app.store.find_bucket(options.bucket) is None:
        app.buckets.create("service_role", Fields({"name": options.bucket}))
    server = Server(application(app), options.port)
    server.serve_until_terminated(f"storage stand-in ready: http://127.0.0.1:{server.port}/storage/v1")


if __name__ == "__main__":
    main()
