"""What must be true after a fault: of the database, of the objects, and of the history as the customers saw it."""

import contextlib
import time
from dataclasses import dataclass
from decimal import Decimal

from shared.db import Database
from shared.invariants import select_all_violations
from shared.settings import Settings
from shared.storage import open_storage
from tests.torture.clients import MAGIC, TERMINAL, Ask, Customer
from tests.torture.faults import Scene
from tests.torture.house import House

QUIET_SECONDS = 180.0
LOOK_SECONDS = 90.0
DOWNLOADS = 4


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a fault's jobs."""

    accepted: int
    lost: int
    double_charged: int
    recovery_seconds: float
    wrong: tuple[str, ...]


def judge(scene: Scene) -> Verdict:
    """Wait until all work is done, then check everything."""
    house = scene.house
    begun = scene.healed_at or time.monotonic()
    left = until_quiet(house)
    recovery = time.monotonic() - begun
    wrong = [*scene.wrong]
    if left:
        wrong.append(f"not quiet after {QUIET_SECONDS:g} s: {left}")
    lost = double = accepted = 0
    for customer in scene.customers:
        answered = [ask for ask in customer.asks if ask.is_accepted]
        accepted += len(answered)
        for ask in answered:
            customer.finish(ask)
            customer.follow(ask, 0)
        missing = _lost(house, customer, answered)
        charged = _charged_twice(house, customer)
        wrong += missing + charged + _disagreements(house, customer) + customer.wrong
        lost, double = lost + len(missing), double + len(charged)
        customer.close()
    wrong += broken_invariants(house)
    if not_looked_at := until_looked_at(house):
        wrong.append(f"not looked at after {LOOK_SECONDS:g} s: {not_looked_at}")
    return Verdict(accepted, lost, double, recovery, tuple(wrong))


def until_quiet(house: House) -> str:
    """Wait until nothing is queued, running or being prepared; returns what still is."""
    deadline = time.monotonic() + QUIET_SECONDS
    while True:
        rows = house.rows(
            "SELECT 'job', job_id::text, status::text FROM jobs WHERE status IN ('queued', 'running')"
            " UNION ALL SELECT 'image', image_id::text, status::text FROM images WHERE status = 'processing'"
        )
        if not rows:
            return ""
        if time.monotonic() > deadline:
            return f"{len(rows)} such as {rows[:3]}"
        time.sleep(0.1)


def until_looked_at(house: House) -> str:
    """Wait until every image was looked at or given up, which no job waits for; returns those that are left."""
    deadline = time.monotonic() + LOOK_SECONDS
    while True:
        rows = house.rows(
            "SELECT image_id::text, analysis_attempts, analyse_at::text FROM images"
            " WHERE status = 'ready' AND analyse_at IS NOT NULL AND deleted_at IS NULL"
            " AND expiry_timestamp > house_now()"
        )
        if not rows:
            return ""
        if time.monotonic() > deadline:
            return f"{len(rows)} such as {rows[:3]}"
        time.sleep(0.1)


def broken_invariants(house: House) -> list[str]:
    """Every invariant of shared/invariants.py that does not hold."""
    database = Database(house.stack.running.settings["MAINTENANCE_DATABASE_URL"], pool_size=1)
    with contextlib.closing(database), database.transaction() as db:
        return [f"invariant {name}: {lines}" for name, lines in select_all_violations(db).items()]


def _lost(house: House, customer: Customer, answered: list[Ask]) -> list[str]:
    """Accepted jobs that are not in the database, not ended, or ended otherwise than their owner saw."""
    there = {str(job_id): str(status) for job_id, status in _jobs(house, customer)}
    wrong: list[str] = []
    for ask in answered:
        assert ask.job is not None
        status = there.pop(str(ask.job["job_id"]), "nowhere")
        if status not in TERMINAL or status != ask.status:
            wrong.append(f"lost: job {ask.job['job_id']} was seen {ask.seen[-3:]} and is {status}")
    customer.wrong += [f"job {job_id} ({status}) was never answered for" for job_id, status in there.items()]
    return wrong


def _jobs(house: House, customer: Customer) -> list[tuple[object, ...]]:
    return house.rows("SELECT job_id, status FROM jobs WHERE user_id = %s", customer.user_id)


def _charged_twice(house: House, customer: Customer) -> list[str]:
    rows = house.rows(
        "SELECT job_id, count(*) FROM transactions WHERE user_id = %s AND entry = 'capture'"
        " GROUP BY job_id HAVING count(*) > 1",
        customer.user_id,
    )
    wrong = [f"job {job_id} was charged {times} times" for job_id, times in rows]
    ((charged,),) = house.rows(
        "SELECT coalesce(sum(credits_deducted), 0) FROM transactions WHERE user_id = %s AND entry = 'capture'",
        customer.user_id,
    )
    if charged > customer.spent:
        wrong.append(f"charged {charged}, seen to succeed {customer.spent}")
    return wrong


def _disagreements(house: House, customer: Customer) -> list[str]:
    """Where what the customer was told differs from what is there."""
    wrong: list[str] = []
    expected = (customer.credits - customer.spent, Decimal(0))
    if customer.balance() != expected:
        wrong.append(f"available and reserved are {customer.balance()}, by the history {expected}")
    done = [ask for ask in customer.asks if ask.status == "succeeded"]
    wrong += _missing_objects(house, customer, done)
    for ask in done[:: max(1, len(done) // DOWNLOADS)]:
        data = customer.download(ask)
        if not any(data.startswith(magic) for magic in MAGIC.values()):
            wrong.append(f"the result of {ask.path} begins with {data[:20]!r}")
    return wrong


def _missing_objects(house: House, customer: Customer, done: list[Ask]) -> list[str]:
    kept = set(storage_keys(house, f"{customer.user_id}/"))
    rows = house.rows("SELECT storage_key FROM files WHERE user_id = %s", customer.user_id)
    wrong = [f"object {key} is listed and not there" for (key,) in rows if key not in kept]
    results = house.rows("SELECT job_id FROM files WHERE user_id = %s AND kind = 'result'", customer.user_id)
    made = {str(job_id) for (job_id,) in results}
    wrong += [f"job {ask.job['job_id']} has no result" for ask in done if ask.job and ask.job["job_id"] not in made]
    return wrong


def storage_keys(house: House, prefix: str = "") -> list[str]:
    """Every object below a prefix, as the provider lists them."""
    values = {name.lower(): value for name, value in house.stack.running.settings.items()}
    storage = open_storage(Settings.model_validate(values))
    with contextlib.closing(storage):
        return storage.list_keys(prefix) if prefix else storage.list_keys()


def unlisted_objects(house: House, seconds: float) -> list[str]:
    """Objects that no row lists, once the orphan sweep has had its time."""
    deadline = time.monotonic() + seconds
    while True:
        keys = storage_keys(house)
        listed = {key for (key,) in house.rows("SELECT storage_key FROM files")}
        unlisted = [key for key in keys if key not in listed]
        if not unlisted or time.monotonic() > deadline:
            return unlisted
        time.sleep(1)
