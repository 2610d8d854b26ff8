"""Who hears of unforeseen errors in place of Sentry."""

import gzip
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from typing_extensions import override


class Reports(ThreadingHTTPServer):
    """Takes envelopes as Sentry does: develop.sentry.dev/sdk/foundations/transport/envelopes."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Envelope)
        self.envelopes: list[str] = []

    @property
    def dsn(self) -> str:
        return f"http://key@127.0.0.1:{self.server_port}/1"

    def events(self) -> list[dict[str, Any]]:
        """What has arrived, as events."""
        items = [line.splitlines() for line in self.envelopes]
        return [json.loads(lines[2]) for lines in items if json.loads(lines[1])["type"] == "event"]


class _Envelope(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert ("/api/1/envelope/", "gzip") == (self.path, self.headers["Content-Encoding"])
        cast("Reports", self.server).envelopes.append(gzip.decompress(body).decode())
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def open_reports() -> Generator[Reports]:
    with Reports() as reports:
        thread = threading.Thread(target=reports.serve_forever, kwargs={"poll_interval": 0.1})
        thread.start()
        try:
            yield reports
        finally:
            reports.shutdown()
            thread.join()
