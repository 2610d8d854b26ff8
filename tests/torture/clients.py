"""Customers that know nothing but HTTP, and write down every answer they get: the history that is checked.

A request that costs is repeated with its Idempotency-Key until there is an answer to it, as a careful client does.
"""

import contextlib
import io
import random
import threading
import time
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID, uuid4

import httpx
from PIL import Image, ImageDraw

from dev.customer import Body

TERMINAL = frozenset({"succeeded", "failed", "canceled"})
AGAIN = frozenset({429, 503})
PATIENCE_SECONDS = 150.0
MOST_WAITING = 20
"""A customer asks for no more while so many of theirs wait: a backlog would only hide how soon all is well again."""

CREDITS_OF = {"succeeded": "captured", "failed": "released", "canceled": "released"}
MAGIC = {"svg": b"<", "png": b"\x89PNG"}


def small_picture(rng: random.Random) -> bytes:
    """A PNG that takes some ten milliseconds to trace, different each time."""
    image = Image.new("RGB", (64, 48), (rng.randrange(200, 256), rng.randrange(256), 255))
    draw = ImageDraw.Draw(image)
    for _ in range(3):
        x, y = rng.randrange(48), rng.randrange(32)
        color = (rng.randrange(256), rng.randrange(256), rng.randrange(256))
        draw.ellipse((x, y, x + rng.randrange(8, 24), y + rng.randrange(8, 24)), fill=color)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


@dataclass(slots=True, eq=False)
class Ask:
    """One wish for a job: its key, what the api answered to it, and what was seen of the job since."""

    key: str
    path: str
    options: Body
    job: Body | None = None
    refused: Body | None = None
    seen: list[str] = field(default_factory=list[str])

    @property
    def is_accepted(self) -> bool:
        """A 202 was seen."""
        return self.job is not None

    @property
    def job_id(self) -> str:
        """The job's id; empty when it was not accepted."""
        return "" if self.job is None else str(self.job["job_id"])

    @property
    def slug(self) -> str:
        """Why the job failed; empty when it did not."""
        problem = None if self.job is None else self.job["problem"]
        return "" if problem is None else str(problem["slug"])

    @property
    def status(self) -> str:
        """The last status seen; empty when it was not accepted."""
        return "" if self.job is None else str(self.job["status"])


class Customer:
    """One account and its history. Threads may share it: each request has its own answer."""

    def __init__(self, url: str, token: str, user_id: UUID, credits: Decimal) -> None:
        self.user_id = user_id
        self.credits = credits
        self.images: list[str] = []
        self.asks: list[Ask] = []
        self.wrong: list[str] = []
        self.failed_requests = 0
        self.answers = 0
        limits = httpx.Limits(max_connections=400, max_keepalive_connections=20)
        headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx.Client(base_url=url, headers=headers, timeout=30, limits=limits)

    def close(self) -> None:
        """Hang up."""
        self.http.close()

    def request(self, method: str, path: str, *, key: str | None = None, **more: object) -> httpx.Response:
        """Ask until there is an answer that means something; 429, 503 and broken connections mean: again."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        headers = {} if key is None else {"Idempotency-Key": key}
        while True:
            pause = 0.2
            try:
                answer = self.http.request(method, path, headers=headers, **more)  # pyright: ignore[reportArgumentType]
            except httpx.HTTPError:
                self.failed_requests += 1
                answer = None
            if answer is not None:
                self.answers += 1
                self._judge(answer, method, path)
                in_flight = answer.status_code == 409 and answer.json().get("slug") == "idempotency-key-in-flight"
                if answer.status_code not in AGAIN and not in_flight:
                    return answer
                self.failed_requests += answer.status_code == 503
                pause = min(1.0, float(answer.headers.get("Retry-After", 0.2)))
            if time.monotonic() > deadline:
                raise TimeoutError(f"{method} {path} had no answer for {PATIENCE_SECONDS:g} s; last {answer}")
            time.sleep(pause)

    def _judge(self, answer: httpx.Response, method: str, path: str) -> None:
        if answer.status_code == 500:
            self.wrong.append(f"{method} {path} was answered by 500: {answer.text[:200]}")

    def upload(self, picture: bytes, name: str = "picture.png") -> str:
        """Upload a picture, wait until it is ready, return its id."""
        files = {"file": (name, picture)}
        answer = self.request("POST", "/v1/images", key=str(uuid4()), files=files)
        if answer.status_code != 201:
            raise RuntimeError(f"the upload was refused: {answer.text}")
        image: Body = answer.json()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while image["status"] == "processing" and time.monotonic() < deadline:
            time.sleep(0.1)
            image = self.request("GET", f"/v1/images/{image['image_id']}").json()
        self.images.append(str(image["image_id"]))
        return self.images[-1]

    def submit(self, image_id: str, kind: str = "vectorizations", options: Body | None = None) -> Ask:
        """Ask for a job until it is accepted or refused for good."""
        ask = Ask(str(uuid4()), f"/v1/images/{image_id}/{kind}", options or {})
        self.asks.append(ask)
        return self.repeat(ask)

    def repeat(self, ask: Ask) -> Ask:
        """Send the same request with the same key (again)."""
        answer = self.request("POST", ask.path, key=ask.key, json={"options": ask.options})
        body: Body = answer.json()
        if answer.status_code != 202:
            ask.refused = body
        elif ask.job is None:
            ask.job = body
        elif ask.job["job_id"] != body["job_id"]:
            self.wrong.append(f"key {ask.key} made two jobs: {ask.job['job_id']} and {body['job_id']}")
        return ask

    def follow(self, ask: Ask, wait_seconds: int = 10) -> None:
        """One look at the job, waiting on the server for its end."""
        if ask.job is None:
            return
        answer = self.request("GET", f"/v1/jobs/{ask.job['job_id']}", params={"wait": wait_seconds})
        body: Body = answer.json()
        if answer.status_code != 200:
            self.wrong.append(f"accepted job {ask.job['job_id']} is answered by {answer.status_code}: {body}")
            return
        if ask.status in TERMINAL and (body["status"], body["result"]) != (ask.status, ask.job["result"]):
            self.wrong.append(f"job {body['job_id']} was seen {ask.status} and is {body['status']} now")
        if body["status"] in TERMINAL and body["credits"] != CREDITS_OF[body["status"]]:
            self.wrong.append(f"job {body['job_id']} is {body['status']}, its credits are {body['credits']}")
        ask.job = body
        ask.seen.append(str(body["status"]))

    def finish(self, ask: Ask) -> str:
        """Follow the job to its end; returns its last status."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while ask.is_accepted and ask.status not in TERMINAL and time.monotonic() < deadline:
            self.follow(ask)
        return ask.status

    def cancel(self, ask: Ask) -> None:
        """Cancel the job; too late is fine."""
        if ask.job is not None:
            answer = self.request("POST", f"/v1/jobs/{ask.job['job_id']}/cancel")
            if answer.status_code not in {200, 409}:
                self.wrong.append(f"a cancel was answered by {answer.status_code}: {answer.text[:200]}")

    def download(self, ask: Ask) -> bytes:
        """The result's bytes, by its signed link."""
        assert ask.job is not None
        for url in [made["url"] for made in ask.job["result"]["formats"].values()]:
            link = self.request("GET", url)
            if link.status_code != 302:
                self.wrong.append(f"the result of {ask.job['job_id']} is answered by {link.status_code}")
                return b""
            return httpx.get(link.headers["Location"], timeout=30).raise_for_status().content
        return b""

    def balance(self) -> tuple[Decimal, Decimal]:
        """(available, reserved), as the api says."""
        body = self.request("GET", "/v1/credits").json()
        return Decimal(body["available"]), Decimal(body["reserved"])

    @property
    def spent(self) -> Decimal:
        """What the jobs seen to succeed cost."""
        return sum(
            (Decimal(ask.job["price"]) for ask in self.asks if ask.job and ask.status == "succeeded"), Decimal(0)
        )


class Load:
    """Customers that ask for jobs without a pause, each in a thread of its own, while something is broken."""

    def __init__(self, customers: list[Customer], seed: int, *, cancels: float = 0.03, pause: float = 0.02) -> None:
        self._customers = customers
        self._cancels = cancels
        self._pause = pause
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(customer, random.Random(f"{seed}/{number}")), daemon=True)
            for number, customer in enumerate(customers)
        ]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS + 60)

    def _ask(self, customer: Customer, rng: random.Random) -> None:
        waiting: list[Ask] = []
        while not self._over.wait(rng.uniform(0, 2 * self._pause)):
            try:
                if len(waiting) >= MOST_WAITING:
                    customer.follow(waiting[0], 1)
                    waiting = [ask for ask in waiting if ask.status not in TERMINAL]
                    continue
                ask = customer.submit(rng.choice(customer.images), _kind(rng), some_options(rng))
            except (TimeoutError, ValueError) as error:
                customer.wrong.append(str(error))
                return
            waiting += [ask] if ask.is_accepted else []
            if rng.random() < self._cancels:
                with contextlib.suppress(TimeoutError):
                    customer.cancel(ask)
            elif rng.random() < 0.1:
                with contextlib.suppress(TimeoutError):
                    customer.follow(ask, 1)

    @property
    def accepted(self) -> int:
        """How many jobs have been accepted so far."""
        return sum(ask.is_accepted for customer in self._customers for ask in customer.asks)

    def until_accepted(self, count: int, seconds: float = 60.0) -> None:
        """Wait until so many more have been accepted; raises TimeoutError, for then nothing is under load any more."""
        target, deadline = self.accepted + count, time.monotonic() + seconds
        while self.accepted < target:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{count} more jobs were not accepted within {seconds:g} s")
            time.sleep(0.02)


def some_options(rng: random.Random) -> Body:
    """Options that hardly ever come twice, so that each job is traced and none copied."""
    return {
        "detail": rng.randrange(101),
        "smoothness": rng.randrange(101),
        "corners": rng.randrange(101),
        "minimum_area": rng.randrange(4),
    }


def _kind(rng: random.Random) -> str:
    return "previews" if rng.random() < 0.2 else "vectorizations"
