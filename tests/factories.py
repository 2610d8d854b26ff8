"""Rows to test with, made the way the house makes them."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from shared import images, lifecycle, membership
from shared.accounts import Account
from shared.ids import new_id
from shared.images import FileType, Image, NewImage
from shared.jobs import Job, JobKind

Connection = psycopg.Connection[TupleRow]


def act_for(db: Connection, *, user_id: UUID | None = None, clerk_id: str | None = None) -> None:
    """Let the running database transaction act for somebody, as shared.db does."""
    db.execute("SELECT set_config('app.user_id', %s, true)", [str(user_id or "")])
    db.execute("SELECT set_config('app.clerk_id', %s, true)", [clerk_id or ""])


def make_account(db: Connection, *, credits: str = "5.0", clerk_id: str | None = None) -> Account:
    """A signed-up account with this balance; the database transaction acts for it afterwards."""
    clerk_id = clerk_id or f"user_{new_id().hex}"
    act_for(db, clerk_id=clerk_id)
    account = membership.enter(
        db, clerk_id=clerk_id, email=f"{clerk_id}@example.com", name=None, grant=Decimal(credits)
    )
    act_for(db, user_id=account.user_id)
    return account


def make_image(db: Connection, account: Account, *, ready: bool = True, lifetime_hours: int = 24) -> Image:
    """An uploaded image, ready or waiting for its resize task."""
    image_id = new_id()
    key = f"{account.user_id}/{image_id}/source.png"
    return images.insert_image(
        db,
        NewImage(
            image_id=image_id,
            user_id=account.user_id,
            file_name="logo.png",
            file_url=key,
            file_type=FileType.PNG,
            file_size=1_000,
            width=64,
            height=48,
            working_key=key if ready else None,
            working_width=64 if ready else None,
            working_height=48 if ready else None,
            sha256="0" * 64,
            lifetime_hours=lifetime_hours,
        ),
    )


@dataclass(frozen=True, slots=True)
class Scene:
    """An account with an image, ready for jobs."""

    account: Account
    image: Image


def make_scene(db: Connection, *, credits: str = "5.0") -> Scene:
    """An account with this balance and a ready image."""
    account = make_account(db, credits=credits)
    return Scene(account, make_image(db, account))


def submit(
    db: Connection,
    scene: Scene,
    *,
    kind: JobKind = JobKind.VECTORIZATION,
    price: str = "1.0",
    job_id: UUID | None = None,
) -> Job:
    """A submitted job."""
    submission = lifecycle.Submission(
        user_id=scene.account.user_id,
        image_id=scene.image.image_id,
        kind=kind,
        price=Decimal(price),
        options={},
        formats=["svg"],
    )
    return lifecycle.submit(db, submission, job_id=job_id or new_id(), resend_seconds=5)


def claim(db: Connection, job: Job, *, lease_seconds: float = 60, max_attempts: int = 3) -> Job:
    """The job as claimed for one attempt."""
    claimed = lifecycle.start(db, job.job_id, lease_seconds=lease_seconds, max_attempts=max_attempts)
    assert claimed is not None
    return claimed.job


def balances(db: Connection, account: Account) -> tuple[Decimal, Decimal]:
    """(available, reserved) credits of an account."""
    row = db.execute(
        "SELECT credit_balance, credits_reserved FROM users WHERE user_id = %s", [account.user_id]
    ).fetchone()
    assert row is not None
    return row


def ledger(db: Connection, account: Account) -> list[str]:
    """The kinds of the account's ledger entries, oldest first."""
    rows = db.execute(
        "SELECT entry FROM transactions WHERE user_id = %s ORDER BY transaction_id", [account.user_id]
    ).fetchall()
    return [row[0] for row in rows]


def travel(db: Connection, offset: str) -> None:
    """Move the house's clock inside this database transaction (owner only), such as '24 hours'."""
    db.execute(
        sql.SQL("CREATE OR REPLACE FUNCTION house_now() RETURNS timestamptz LANGUAGE sql STABLE AS {}").format(
            sql.Literal(f"SELECT now() + interval '{offset}'")
        )
    )
