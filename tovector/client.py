"""The HTTP API of tovector as a Python object. Safe to share between threads."""

import json
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Self

import httpx

from tovector.asking import Ask
from tovector.making import make
from tovector.problems import ImageRefused, ResultGone, ServerUnreachable, TovectorError, problem_of
from tovector.retrying import Patience, Pause, asked_seconds, may_pass
from tovector.things import Account, Drawing, Image, Job

PATIENCE_SECONDS = 300.0
WAIT_SECONDS = 10
LEAST_POLL_SECONDS = 0.5
MOST_BREAKS = 5
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_IN_ADVANCE = httpx.Limits(max_connections=64, max_keepalive_connections=32)


class Client:
    """One server and one API key.

    Requests that failed for a reason that may pass (no connection, 429, 502, 503, 504, not ready yet) are sent again
    for `patience_seconds`, with `Idempotency-Key`, so none is charged twice. Methods raise the classes of
    `tovector.problems`.
    """

    def __init__(
        self, url: str, api_key: str, *, patience_seconds: float = PATIENCE_SECONDS, pause: Pause = time.sleep
    ) -> None:
        self.url = url.rstrip("/")
        self.patience_seconds = patience_seconds
        self._pause = pause
        headers = {"Authorization": f"Bearer {api_key}", "User-Agent": "tovector-client"}
        self._http = httpx.Client(base_url=self.url, headers=headers, timeout=_TIMEOUT, limits=_IN_ADVANCE)
        # Files come from the object storage by signed link: the API key is none of its business.
        self._storage = httpx.Client(timeout=_TIMEOUT, limits=_IN_ADVANCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._http.close()
        self._storage.close()

    def account(self) -> Account:
        """Whose the key is, what they can spend, and what a vectorization costs."""
        me, wallet = self._json("GET", "/v1/me"), self._json("GET", "/v1/credits")
        who = str(me.get("email") or me["user_id"])
        return Account(who, Decimal(wallet["available"]), Decimal(wallet["prices"]["vectorization"]))

    def upload(self, content: bytes, name: str, *, key: str) -> Image:
        """Upload a PNG or JPEG; with a key that was used before it is the image of that time."""
        readable = name.encode("utf-8", "replace").decode()
        headers = {"Idempotency-Key": f"{key}.image"}
        answer = self._send("POST", "/v1/images", headers=headers, files={"file": (readable, content)})
        return Image.of(_body(answer), is_replayed=_is_replayed(answer))

    def image(self, image_id: str) -> Image:
        """An image as it stands."""
        return Image.of(self._json("GET", f"/v1/images/{image_id}"))

    def submit(self, image_id: str, ask: Ask, *, key: str) -> Job:
        """Ask for the drawing: its price is reserved, and spent if it succeeds. Waits until the image is ready."""
        body = json.loads(ask.settings)  # always in the same order: a key belongs to one body
        headers = {"Idempotency-Key": key}
        answer = self._send("POST", f"/v1/images/{image_id}/vectorizations", headers=headers, json=body)
        return Job.of(_body(answer), is_replayed=_is_replayed(answer))

    def job(self, job_id: str, *, wait_seconds: int = 0) -> Job:
        """A job as it stands, or as soon as it has ended within some seconds."""
        return Job.of(self._json("GET", f"/v1/jobs/{job_id}", params={"wait": wait_seconds}))

    def paid_job(self, image_id: str) -> Job | None:
        """The newest vectorization of an image that was or may still be charged."""
        params = {"image_id": image_id, "kind": "vectorization"}
        jobs = [Job.of(body) for body in self._json("GET", "/v1/jobs", params=params)["data"]]
        return next((job for job in jobs if job.is_open or job.status == "succeeded"), None)

    def finished(self, job: Job) -> Job:
        """The job once it has ended, however long that takes: the server sees to it that every job ends."""
        while job.is_open:
            asked_at = time.monotonic()
            job = self.job(job.job_id, wait_seconds=WAIT_SECONDS)
            # A server that does not wait is not to be asked without end.
            self._pause(max(0.0, LEAST_POLL_SECONDS - time.monotonic() + asked_at) if job.is_open else 0.0)
        return job

    def download(self, job: Job, file_format: str) -> bytes:
        """A file of a job that succeeded, whole. Raises ResultGone when it is kept no longer."""
        patience = Patience(self.patience_seconds, self._pause)
        while True:
            try:
                answer = self._send("GET", f"/v1/jobs/{job.job_id}/result", params={"format": file_format})
            except ImageRefused as problem:
                raise _gone(problem) if problem.status in (404, 410) else problem from None
            content = self._fetch(answer.headers.get("Location", ""))
            if content is not None and len(content) == job.files.get(file_format, len(content)):
                return content
            if not patience.wait():
                raise ServerUnreachable("The file storage did not give the drawing. Run the same command again later.")

    def vectorize(
        self,
        content: bytes,
        *,
        options: Mapping[str, object] | None = None,
        formats: Sequence[str] = ("svg",),
        name: str = "image",
    ) -> Drawing:
        """Upload a PNG or JPEG, have it drawn, and give its files: the whole journey.

        The same content, name, options and formats within a day are charged once, even if this process dies in
        between. Raises ImageRefused, OptionsRefused, OutOfCredits, ResultGone, ServerUnreachable or SignInNeeded.
        """
        return make(self, Ask(options or {}, tuple(formats)), content, name)

    def _fetch(self, link: str) -> bytes | None:
        try:
            answer = self._storage.get(link)
        except (httpx.RequestError, httpx.InvalidURL):
            return None
        return answer.content if answer.is_success else None

    def _json(self, method: str, path: str, **more: Any) -> Mapping[str, Any]:
        return _body(self._send(method, path, **more))

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        patience, breaks = Patience(self.patience_seconds, self._pause), 0
        while True:
            try:
                answer = self._http.request(method, path, **more)
            except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
                raise ServerUnreachable(f"{self.url} is no address of a server: {error}.") from None
            except httpx.RequestError as error:
                # A server may hang up on a body that is far too large, its answer lost with the connection.
                breaks = 0 if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout) else breaks + 1
                if breaks == MOST_BREAKS and "files" in more:
                    raise _broken_off(breaks) from None
                if patience.wait():
                    continue
                raise ServerUnreachable(
                    f"{self.url} does not answer ({error}). Check the address and your connection, then run the same"
                    " command again: nothing that was paid for is lost."
                ) from None
            if may_pass(answer) and patience.wait(asked_seconds(answer)):
                continue
            return _judged(answer, self.url)


def _judged(answer: httpx.Response, url: str) -> httpx.Response:
    """The answer if it is a good one; else its problem is raised."""
    if answer.is_success or (answer.status_code == 302 and answer.request.url.path.endswith("/result")):
        return answer
    if answer.is_redirect:
        raise ServerUnreachable(f"{url} sends us on to {answer.headers.get('Location')}: use that address instead.")
    if "json" not in answer.headers.get("Content-Type", ""):
        raise ServerUnreachable(f"{url} answered {answer.status_code} and not as tovector does: is the address right?")
    problem = problem_of(answer.status_code, _body(answer))
    if may_pass(answer):
        raise ServerUnreachable(f"The server is too busy: {problem} Run the same command again later.")
    raise problem


def _body(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise ServerUnreachable(f"{answer.url.host} did not answer as tovector does: is the address right?")
    return body


def _is_replayed(answer: httpx.Response) -> bool:
    return answer.headers.get("Idempotency-Replayed") == "true"


def _gone(problem: TovectorError) -> ResultGone:
    again = "It was made and paid for, but is kept no longer; --again has it made and charged anew."
    return ResultGone(f"{problem} {again}", slug=problem.slug, status=problem.status)


def _broken_off(times: int) -> ImageRefused:
    return ImageRefused(f"The server broke off the upload {times} times: is the file too large? If not, run it again.")
