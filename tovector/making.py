"""One image's journey: uploaded, asked for, awaited, downloaded; taken up again wherever an earlier run left it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from tovector.asking import Ask, next_key
from tovector.problems import ImageRefused, ResultGone, TovectorError, problem_of
from tovector.things import Drawing, Image, Job

_NOT_THERE = (404, 409, 410)  # deleted, of no use, or expired


class Server(Protocol):
    """What the journey needs of `tovector.client.Client`."""

    def upload(self, content: bytes, name: str, *, key: str) -> Image:
        """Upload, or find what was uploaded with that key."""
        ...

    def submit(self, image_id: str, ask: Ask, *, key: str) -> Job:
        """Ask for the drawing, or find the job of that key."""
        ...

    def job(self, job_id: str, *, wait_seconds: int = 0) -> Job:
        """A job as it stands."""
        ...

    def paid_job(self, image_id: str) -> Job | None:
        """The job of an image that was or may be charged."""
        ...

    def finished(self, job: Job) -> Job:
        """The job once it has ended."""
        ...

    def download(self, job: Job, file_format: str) -> bytes:
        """A file of a job that succeeded."""
        ...


@dataclass(frozen=True, slots=True)
class Stand:
    """How far an image has come: its key, and the ids that the server gave."""

    key: str
    image_id: str = ""
    job_id: str = ""


Note = Callable[[Stand], None]
"""Told of every step, so that another run can go on from there."""


def make(
    server: Server,
    ask: Ask,
    content: bytes,
    name: str,
    *,
    stand: Stand | None = None,
    note: Note = lambda _: None,
) -> Drawing:
    """The drawing of an image, charged once however often this is called with the same content, name and ask.

    A job of an earlier run that failed was paid back: it is asked for again under the next key. A job of this run that
    fails ends it. Raises the classes of `tovector.problems`.
    """
    stand = stand or Stand(ask.key(hashlib.sha256(content).hexdigest(), name))
    while True:
        note(stand)
        try:
            job, is_remembered = _open(server, ask, content, name, stand, note)
        except _Anew:
            stand = Stand(next_key(stand.key))
            continue
        stand = replace(stand, image_id=job.image_id, job_id=job.job_id)
        note(stand)
        job = server.finished(job)
        if job.status == "succeeded":
            return Drawing(job, {name: server.download(job, name) for name in job.files})
        if not is_remembered:
            raise _failure(job)
        stand = Stand(next_key(stand.key))


class _Anew(Exception):
    """What an earlier run left is of no use and cost nothing."""


def _open(server: Server, ask: Ask, content: bytes, name: str, stand: Stand, note: Note) -> tuple[Job, bool]:
    """The job of this stand, and whether an earlier run had asked for it."""
    if stand.job_id:
        return _remembered(server, stand.job_id), True
    is_old, image_id = bool(stand.image_id), stand.image_id
    if not image_id:
        image = server.upload(content, name, key=stand.key)
        is_old, image_id = image.is_replayed, image.image_id
        note(replace(stand, image_id=image_id))
    try:
        job = server.submit(image_id, ask, key=stand.key)
    except ImageRefused as problem:
        if not is_old or problem.status not in _NOT_THERE:
            raise
        # After a day the server forgets keys and images; what it did for them stands in its list of jobs.
        known = server.paid_job(image_id)
        if known is None:
            raise _Anew from None
        return known, True
    return job, job.is_replayed


def _remembered(server: Server, job_id: str) -> Job:
    try:
        return server.job(job_id)
    except ImageRefused as problem:
        if problem.status != 404:
            raise
        raise ResultGone(
            "The server does not know the job that the manifest names: is it another account's? --again has the image"
            " made and charged anew."
        ) from None


def _failure(job: Job) -> TovectorError:
    if job.status == "canceled":
        return ImageRefused("The job was canceled, and cost nothing. Run the same command again to have it made.")
    return problem_of(0, job.problem or {"detail": "The job failed, and cost nothing."})
