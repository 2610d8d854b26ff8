"""A house with a past against a new one, row-level security against none, a dropped month against a deleted one."""

import time
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from uuid import UUID

import psycopg

from shared import credits, jobs, lifecycle
from shared.db import Connection, Database
from shared.ids import new_id
from shared.jobs import JobKind
from shared.removals import delete_log_rows
from tests.benchmarks.bench import Bench, Scratch
from tests.benchmarks.pairs import Pairs, in_turns, seconds_of, single_requests
from tests.benchmarks.past import JOBS, write_month, write_past
from tests.benchmarks.reserving import new_scene
from tests.benchmarks.table import Report, Row, at_least, at_most, row
from tests.factories import Scene

LIVES = 12
QUERIES = 40
MONTH_ROWS = 250_000


def history(bench: Bench) -> Report:
    """Jobs submitted, claimed, succeeded and looked at a second: in a database with a past, and in an empty one."""
    old, new = bench.database("bench_old"), bench.database("bench_new")
    with_past, without = new_scene(old.owner), new_scene(new.owner)
    write_past(old.owner, with_past, jobs=JOBS // 50 if bench.quick else JOBS)
    pairs = in_turns(lambda: lives_a_second(old, with_past), lambda: lives_a_second(new, without), bench.pairs)
    throughput = row("throughput with 1 M rows of history ÷ with none", pairs, "/s", at_least(0.95))
    return Report([throughput, *of_policies(bench, old, with_past)])


def lives_a_second(scratch: Scratch, scene: Scene) -> float:
    """Whole lives of jobs, written as the api and the workers write them, and looked at as customers do."""
    user_id = scene.account.user_id
    wish = lifecycle.Submission(user_id, scene.image.image_id, JobKind.VECTORIZATION, Decimal(1), {}, ["svg"])
    started = time.perf_counter()
    for _ in range(LIVES):
        with scratch.database.transaction(user_id=user_id) as db:
            lifecycle.submit(db, wish, job_id=new_id(), resend_seconds=5)
        with scratch.database.transaction() as db:
            claim = lifecycle.take_turn(db, JobKind.VECTORIZATION, lease_seconds=60, max_attempts=3, share=1)
        assert claim is not None
        with scratch.database.transaction(user_id=user_id) as db:
            lifecycle.succeed(db, claim.job, report={"paths": 12}, made=[])
        with scratch.database.transaction(user_id=user_id) as db:
            for _, look in looks(scene, claim.job.job_id):
                look(db)
    return LIVES / (time.perf_counter() - started)


def looks(scene: Scene, job_id: UUID) -> list[tuple[str, Callable[[Connection], object]]]:
    """The reads that customers make most."""
    user_id = scene.account.user_id
    return [
        ("one job", lambda db: jobs.select_job(db, job_id)),
        ("a page of jobs", lambda db: jobs.select_jobs(db, user_id, limit=20)),
        ("a page of the ledger", lambda db: credits.select_transactions(db, user_id, limit=20)),
    ]


def of_policies(bench: Bench, old: Scratch, scene: Scene) -> list[Row]:
    """Each read as the api makes it, and by a superuser, whom no policy binds."""
    rows: list[Row] = []
    user_id, superuser = scene.account.user_id, Database(old.superuser_url)
    with old.database.transaction(user_id=user_id) as bound, superuser.transaction(user_id=user_id) as free:
        (newest,) = jobs.select_jobs(bound, user_id, limit=1)
        for name, look in looks(scene, newest.job_id):
            as_api, as_superuser = partial(look, bound), partial(look, free)
            times = single_requests(as_api, as_superuser, bench.pairs, each=QUERIES)
            rows.append(row(f"{name} with row-level security ÷ without", times.p50, "ms", at_most(1.15)))
    superuser.close()
    return rows


def logs(bench: Bench) -> Report:
    """A month of events pruned by the house's own sweep, dropped bare, and deleted by time and vacuumed."""
    scratch = bench.database("bench_logs")
    maintenance = Database(scratch.operator_url)
    rows = MONTH_ROWS // 20 if bench.quick else MONTH_ROWS

    def after_a_month(once: Callable[[], object]) -> float:
        write_month(scratch.owner, rows)
        return seconds_of(once)

    rounds = [
        (
            after_a_month(lambda: _prune(maintenance, rows)),
            after_a_month(lambda: scratch.owner.execute("DROP TABLE analytics_2020_01")),
            after_a_month(lambda: _delete(scratch.owner)),
        )
        for _ in range(bench.pairs + 1)
    ][1:]
    maintenance.close()
    pruned, dropped, deleted = zip(*rounds, strict=True)
    name = f"pruning a month of {rows:,} events"
    return Report(
        [
            row(f"{name} ÷ DELETE and VACUUM", Pairs(pruned, deleted), "ms", at_most(0.5)),
            row(f"{name} ÷ a bare DROP", Pairs(pruned, dropped), "ms", at_most(4)),
        ]
    )


def _prune(maintenance: Database, rows: int) -> None:
    with maintenance.transaction() as db:
        removed = {table: pruned for table, _, pruned in delete_log_rows(db, keep_days=365, most=5_000)}
    assert removed["analytics"] == rows


def _delete(owner: psycopg.Connection) -> None:
    deleted = owner.execute("DELETE FROM analytics WHERE action_timestamp < '2020-02-01Z'").rowcount
    assert deleted > 0
    owner.execute("VACUUM analytics_2020_01")
