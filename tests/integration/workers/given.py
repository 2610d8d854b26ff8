"""What the api would have done before a worker is called: accounts, uploads, submitted jobs."""

import io
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import psycopg
from PIL import Image as Picture
from PIL import ImageDraw

from shared import accounts, figures, files, images, jobs, lifecycle, membership, uploads
from shared.files import File
from shared.ids import new_id
from shared.images import Image
from shared.jobs import Job, JobKind
from shared.lifecycle import Submission
from shared.messages import Message, ResizeImage
from shared.rasters import inspect_image
from workers.resources import Resources

PRICES = {JobKind.PREVIEW: Decimal("0.2"), JobKind.VECTORIZATION: Decimal("1.0")}


def logo(side: int = 96, color: str = "crimson") -> bytes:
    """A small flat picture as PNG."""
    picture = Picture.new("RGB", (side, side), "white")
    ImageDraw.Draw(picture).ellipse((side // 8, side // 8, side * 7 // 8, side * 7 // 8), fill=color)
    return png(picture)


def png(picture: Picture.Image) -> bytes:
    """A picture's bytes."""
    output = io.BytesIO()
    picture.save(output, "PNG", compress_level=1)
    return output.getvalue()


@dataclass(frozen=True, slots=True)
class Given:
    """Makes what the worker will find."""

    resources: Resources
    owner_url: str

    def account(self, credits: str = "5.0") -> UUID:
        """A signed-up account with this balance."""
        clerk_id = f"user_{new_id().hex}"
        with self.resources.database.transaction(clerk_id=clerk_id) as db:
            return membership.enter(db, clerk_id=clerk_id, email=None, name=None, grant=Decimal(credits)).user_id

    def image(self, user_id: UUID, data: bytes, *, working_max_pixels: int = 4_000_000, claims: bytes = b"") -> Image:
        """An upload: `data` is what storage holds, `claims` (by default the same) what its header was read from."""
        header = inspect_image(claims or data)
        upload = uploads.plan(user_id=user_id, file_name="logo.png", data=data, header=header)
        self.resources.storage.put(upload.storage_key, data, upload.content_type)
        with self.resources.database.transaction(user_id=user_id) as db:
            return uploads.accept(
                db, upload, working_max_pixels=working_max_pixels, lifetime_hours=24, resend_seconds=5
            )

    def job(
        self,
        image: Image,
        kind: JobKind = JobKind.VECTORIZATION,
        formats: Sequence[str] = ("svg",),
        **options: float | str,
    ) -> Job:
        """A submitted job."""
        submission = Submission(
            user_id=image.user_id,
            image_id=image.image_id,
            kind=kind,
            price=PRICES[kind],
            options=options,
            formats=["png"] if kind is JobKind.PREVIEW else formats,
        )
        with self.resources.database.transaction(user_id=image.user_id) as db:
            return lifecycle.submit(db, submission, job_id=new_id(), resend_seconds=0)

    def message(self, job: Job) -> Message:
        """The job's wake-up."""
        return lifecycle.message_for(job)

    def resize_message(self, image: Image) -> Message:
        """The wake-up of an image's resize."""
        return ResizeImage(image_id=image.image_id, user_id=image.user_id)

    def seen(self, job: Job) -> Job:
        """The job as its owner sees it now."""
        with self.resources.database.transaction(user_id=job.user_id) as db:
            found = jobs.select_job(db, job.job_id)
        assert found is not None
        return found

    def seen_image(self, image: Image) -> Image:
        """The image as its owner sees it now."""
        with self.resources.database.transaction(user_id=image.user_id) as db:
            found = images.select_image(db, image.image_id)
        assert found is not None
        return found

    def files(self, image: Image) -> list[File]:
        """What is listed as made from an image."""
        with self.resources.database.transaction(user_id=image.user_id) as db:
            return files.select_files(db, image.image_id)

    def balances(self, user_id: UUID) -> tuple[str, str]:
        """(available, reserved) credits."""
        with self.resources.database.transaction(user_id=user_id) as db:
            account = accounts.select_account(db, user_id)
        assert account is not None
        return str(account.credit_balance), str(account.credits_reserved)

    def keys(self, image: Image) -> list[str]:
        """What storage holds below an image."""
        return self.resources.storage.list_keys(uploads.image_prefix(image.user_id, image.image_id))

    def is_due(self, job: Job) -> None:
        """The pause before the job's next attempt is over."""
        self.as_owner("UPDATE jobs SET run_at = house_now() WHERE job_id = %s AND status = 'queued'", job.job_id)

    def cancel_open_jobs(self) -> None:
        """Leave no job behind for the next test."""
        with psycopg.connect(self.owner_url) as connection:
            rows = connection.execute("SELECT job_id FROM jobs WHERE status IN ('queued', 'running')").fetchall()
        with self.resources.maintenance.transaction() as db:
            for (job_id,) in rows:
                job = jobs.select_job(db, job_id)
                assert job is not None
                lifecycle.cancel(db, job)

    def as_owner(self, statement: str, *values: object) -> None:
        """Change the database as its owner, as time or an operator might."""
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            connection.execute(statement.encode(), values)

    @contextmanager
    def ending_held(self, job: Job) -> Generator[Callable[[], bool]]:
        """Let no worker write to a job within the block; yields what says whether one waits to."""
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        with psycopg.connect(self.owner_url) as connection:
            connection.execute("SELECT FROM jobs WHERE job_id = %s FOR UPDATE", [job.job_id])
            yield lambda: connection.execute(waiting).fetchone() != (0,)


def shown_age(resources: Resources) -> float:
    """Seconds since the last backup, as /metrics shows them to the alerts, whatever other sweeps come between."""
    with resources.maintenance.transaction() as db:
        figures.insert_figures(db)
        return {name: value for name, _, value in figures.select_figures(db)}["backup_age_seconds"]
