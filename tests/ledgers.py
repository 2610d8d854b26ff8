"""A past that is made up, with everything that reports tell apart: written as rows, timed as one likes."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from shared.ids import new_id
from tests.factories import Connection

# Country, rate and whether a business pays the tax itself, for a seller in Germany.
PLACES: Sequence[tuple[str | None, str, bool]] = (
    ("DE", "19", False), ("FR", "20", False), ("IE", "23", False), ("FI", "25.5", False), ("AT", "0", True),
    ("US", "0", False), ("CH", "0", False), (None, "0", False),
)  # fmt: skip
PACKAGES = (("starter", "20.0", 990), ("studio", "120.0", 4_990))
FORMATS = ("svg", "png", "webp")
Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Past:
    """Rows of each table, to be written."""

    users: list[Row] = field(default_factory=list[Row])
    images: list[Row] = field(default_factory=list[Row])
    jobs: list[Row] = field(default_factory=list[Row])
    purchases: list[Row] = field(default_factory=list[Row])
    transactions: list[Row] = field(default_factory=list[Row])
    analytics: list[Row] = field(default_factory=list[Row])


COLUMNS = {
    "users": "user_id, clerk_id, created_at",
    "images": "image_id, user_id, status, file_url, file_type, file_size, width, height, sha256, upload_timestamp,"
    " expiry_timestamp, objects_gone_at",
    "jobs": "job_id, user_id, image_id, kind, status, price, options, formats, attempts, fence, progress, stage,"
    " problem, report, created_at, started_at, finished_at",
    "purchases": "purchase_id, user_id, package_id, status, credits, amount, currency, total, tax, created_at, paid_at",
    "transactions": "transaction_id, user_id, transaction_type, entry, job_id, available_delta, reserved_delta, amount,"
    " currency, vat_info, transaction_timestamp, purchase_id, reversal_id, reversal_move",
    "analytics": "analytics_id, user_id, action_type, action_timestamp, additional_data",
}


def write_past(owner: Connection, past: Past) -> None:
    """Write the rows as a superuser; the balances of the accounts do not add up, and nobody asks them to."""
    owner.execute("SET LOCAL session_replication_role = replica")
    for table, columns in COLUMNS.items():
        names = [sql.Identifier(name.strip()) for name in columns.split(",")]
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), sql.SQL(", ").join(names))
        with owner.cursor().copy(statement) as copy:
            for row in getattr(past, table):
                copy.write_row(row)
    owner.commit()


def make_up_past(seed: int, *, start: datetime, days: int, accounts: int = 30) -> Past:
    """A past of so many days: accounts that upload, try, buy, get their money back, or do nothing at all."""
    dice = random.Random(seed)
    past = Past()
    for _ in range(accounts):
        signed_up = _moment(dice, start, start + timedelta(days=days))
        user_id = new_id()
        past.users.append((user_id, f"user_{user_id.hex}", signed_up))
        end = start + timedelta(days=days)
        for _ in range(dice.choice((0, 0, 1, 2, 5))):
            _add_image(dice, past, user_id, _moment(dice, signed_up, end))
        for _ in range(dice.choice((0, 0, 1, 1, 3))):
            _add_purchase(dice, past, user_id, _moment(dice, signed_up, end), end)
    return past


def _moment(dice: random.Random, start: datetime, end: datetime) -> datetime:
    return start + timedelta(seconds=dice.uniform(0, (end - start).total_seconds()))


def _add_image(dice: random.Random, past: Past, user_id: UUID, at: datetime) -> None:
    image_id = new_id()
    size = (dice.randint(200, 20_000_000), dice.randint(1, 6_000), dice.randint(1, 6_000))
    past.images.append(
        (image_id, user_id, "expired", f"gone/{image_id}", dice.choice(("png", "jpeg")), *size, "0" * 64, at,
         at + timedelta(days=1), at + timedelta(days=1))
    )  # fmt: skip
    for _ in range(dice.choice((0, 1, 1, 4))):
        _add_job(dice, past, user_id, image_id, at)


def _add_job(dice: random.Random, past: Past, user_id: UUID, image_id: UUID, at: datetime) -> None:
    job_id, kind = new_id(), dice.choice(("preview", "vectorization"))
    status = dice.choice(("succeeded", "succeeded", "succeeded", "failed", "canceled"))
    price = Decimal("0.2" if kind == "preview" else "1.0")
    created = at + timedelta(seconds=dice.uniform(0, 3_600))
    started = None if status == "canceled" else created + timedelta(seconds=dice.uniform(0.001, 30))
    finished = (started or created) + timedelta(seconds=dice.lognormvariate(0, 1.5))
    problem = {"slug": dice.choice(("too-complex", "image-undecodable"))} if status == "failed" else None
    report = {"bytes": dice.randint(100, 90_000)} if status == "succeeded" else None
    past.jobs.append(
        (job_id, user_id, image_id, kind, status, price, "{}", ["svg"], 1, 1, 1, "done", _json(problem), _json(report),
         created, started, finished)
    )  # fmt: skip
    name = "preview" if kind == "preview" else "vectorize"
    reserve = (new_id(), user_id, name, "reserve", job_id, -price, price)
    release = price if status != "succeeded" else Decimal("0.0")
    end = (new_id(), user_id, name, "capture" if status == "succeeded" else "release", job_id, release, -price)
    nothing = (None, None, None)
    past.transactions.extend([(*reserve, *nothing, created, *nothing), (*end, *nothing, finished, *nothing)])
    if status == "succeeded":
        for _ in range(dice.choice((0, 1, 3))):
            data = {"kind": kind, "format": dice.choice(FORMATS)}
            past.analytics.append((new_id(), user_id, "download", finished + timedelta(minutes=1), Jsonb(data)))


def _add_purchase(dice: random.Random, past: Past, user_id: UUID, at: datetime, end: datetime) -> None:
    package_id, amount, net = dice.choice(PACKAGES)
    country, rate, reverse_charge = dice.choice(PLACES)
    currency = dice.choice(("eur", "eur", "eur", "usd"))
    tax = int(net * Decimal(rate) / 100)
    purchase_id, vat = new_id(), {"country": country, "rate": rate, "reverse_charge": reverse_charge}
    is_paid = dice.random() < 0.8
    paid = ("paid", net + tax, tax, at) if is_paid else ("expired", None, None, None)
    past.purchases.append(
        (purchase_id, user_id, package_id, paid[0], amount, net, currency, paid[1], paid[2], at, paid[3])
    )
    if not is_paid:
        return

    def entry(kind: str, moved: str, at: datetime, share: Decimal, reversal: tuple[str | None, int | None]) -> Row:
        vat_info = _json({**vat, "amount": int(tax * share), "vat_id": "ATU12345675" if reverse_charge else None})
        moves = Decimal(amount) * share * (1 if moved == "credit" else -1)
        gross = Decimal(int((net + tax) * share)) / 100
        return (new_id(), user_id, kind, moved, None, moves, 0, gross, currency, vat_info, at, purchase_id, *reversal)

    past.transactions.append(entry("purchase", "credit", at, Decimal(1), (None, None)))
    if dice.random() < 0.3:
        kind, reversal_id = dice.choice(("refund", "dispute")), f"re_{purchase_id.hex}"
        share, back = dice.choice((Decimal(1), Decimal("0.5"))), _moment(dice, at, end)
        past.transactions.append(entry(kind, "debit", back, share, (reversal_id, 1)))
        if dice.random() < 0.3:  # a refund that failed, a dispute that was won
            past.transactions.append(entry(kind, "credit", _moment(dice, back, end), share, (reversal_id, 2)))


def _json(value: object) -> Jsonb | None:
    return None if value is None else Jsonb(value)


def days_before(now: datetime, days: int) -> datetime:
    """The beginning of a day (UTC) so many days ago."""
    return datetime(now.year, now.month, now.day, tzinfo=UTC) - timedelta(days=days)
