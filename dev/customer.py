"""A customer of the API, by HTTP alone: what the demo and the acceptance tests do by hand."""

import time
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import httpx

from dev.children import StackRefused

Body = dict[str, Any]
PATIENCE_SECONDS = 90.0


class Customer:
    """One signed-in person with one token."""

    def __init__(self, url: str, token: str) -> None:
        """Reach the API at `url`; follow no redirects, so that links can be looked at."""
        self.http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def upload(self, source: Path) -> Body:
        """Upload a picture and wait until it can be used."""
        with source.open("rb") as content:
            image = _answer(self.http.post("/v1/images", files={"file": (source.name, content)}))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while image["status"] == "processing" and time.monotonic() < deadline:
            time.sleep(0.05)
            image = _answer(self.http.get(f"/v1/images/{image['image_id']}"))
        return image

    def submit(self, image_id: str, kind: str, options: Body | None = None) -> Body:
        """Submit a job of a kind: `previews` or `vectorizations`."""
        return _answer(self.http.post(f"/v1/images/{image_id}/{kind}", json={"options": options or {}}))

    def finish(self, job: Body) -> Body:
        """Wait on the server until the job has ended; gives it back as it is after 90 s at most."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while job["status"] in {"queued", "running"} and time.monotonic() < deadline:
            job = _answer(self.http.get(f"/v1/jobs/{job['job_id']}", params={"wait": 10}))
        return job

    def download(self, job: Body, kind: str) -> bytes:
        """The result's bytes, by its signed link."""
        link = self.http.get(job["result"]["formats"][kind]["url"])
        if not link.has_redirect_location:
            _answer(link)
        # The signed link is the permission; the session token stays with the API.
        return httpx.get(link.headers["Location"], timeout=30).raise_for_status().content

    def available(self) -> Decimal:
        """Credits that can be spent."""
        return Decimal(_answer(self.http.get("/v1/credits"))["available"])

    def transactions(self) -> list[Body]:
        """The ledger, newest first."""
        return _answer(self.http.get("/v1/credits/transactions"))["data"]


def _answer(response: httpx.Response) -> Body:
    body: Body = response.json()
    if response.is_error:
        raise StackRefused(f"{response.request.method} {response.request.url.path}: {body['title']}: {body['detail']}")
    return body
