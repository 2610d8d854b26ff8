"""Any order of anything: the lifecycle and the ledger against a dictionary that says what must be true.

Hypothesis drives submits, claims, late workers, cancels, sweeps and the clock on the real Postgres, inside one
database transaction that is rolled back, so time moves only when the machine moves it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test

from shared import lifecycle, membership, recovery
from shared.errors import EngineCrashed, InsufficientCredits, JobAlreadyFinished, LeaseLost, StorageUnavailable
from shared.invariants import select_all_violations
from shared.jobs import Job, JobKind, JobStatus, select_job
from tests.conftest import TestDatabase
from tests.factories import balances, make_scene, submit, travel

LEASE_SECONDS, MAX_ATTEMPTS, RETRY_SECONDS = 60, 3, 2
PRICES = {JobKind.PREVIEW: "0.2", JobKind.VECTORIZATION: "1.0"}


@dataclass
class Expected:
    """What the model believes of one job."""

    price: Decimal
    status: JobStatus = JobStatus.QUEUED
    attempts: int = 0
    fence: int = 0
    lease_until: float = 0.0
    run_at: float = 0.0


@dataclass
class Model:
    """What the model believes of everything."""

    available: Decimal
    now: float = 0.0
    jobs: dict[UUID, Expected] = field(default_factory=dict[UUID, Expected])

    @property
    def reserved(self) -> Decimal:
        return sum((job.price for job in self.jobs.values() if not job.status.is_terminal), Decimal(0))


class Ledger(RuleBasedStateMachine):
    """One account and one image; claims stay in workers' hands as long as the machine likes."""

    claims: Bundle[Job] = Bundle("claims")
    url: str = ""

    def __init__(self) -> None:
        super().__init__()
        self.db = psycopg.connect(self.url)
        self.scene = make_scene(self.db, credits="2.0")
        self.model = Model(available=Decimal("2.0"))

    def teardown(self) -> None:
        self.db.rollback()
        self.db.close()

    @rule(kind=st.sampled_from(JobKind))
    def submits(self, kind: JobKind) -> None:
        price = Decimal(PRICES[kind])
        if price > self.model.available:
            with pytest.raises(InsufficientCredits):
                submit(self.db, self.scene, kind=kind, price=PRICES[kind])
            return
        job = submit(self.db, self.scene, kind=kind, price=PRICES[kind])
        self.model.available -= price
        self.model.jobs[job.job_id] = Expected(price, run_at=self.model.now)

    @rule(tenths=st.integers(1, 30))
    def is_granted(self, tenths: int) -> None:
        amount = Decimal(tenths) / 10
        membership.grant_credits(self.db, user_id=self.scene.account.user_id, amount=amount, reason="machine")
        self.model.available += amount

    @rule(target=claims, kind=st.sampled_from(JobKind))
    def takes_a_turn(self, kind: JobKind) -> Any:  # Hypothesis's own type is not public
        claim = lifecycle.take_turn(self.db, kind, lease_seconds=LEASE_SECONDS, max_attempts=MAX_ATTEMPTS, share=1)
        waiting = [
            job
            for job in self.model.jobs.values()
            if job.price == Decimal(PRICES[kind])
            and job.status is JobStatus.QUEUED
            and job.run_at <= self.model.now
            and job.attempts < MAX_ATTEMPTS
        ]
        assert (claim is None) == (not waiting)
        if claim is None:
            return multiple()
        expected = self.model.jobs[claim.job.job_id]
        assert expected in waiting
        expected.status = JobStatus.RUNNING
        expected.attempts += 1
        expected.fence += 1
        expected.lease_until = self.model.now + LEASE_SECONDS
        assert (expected.attempts, expected.fence) == (claim.job.attempts, claim.job.fence)
        return claim.job

    def ends(self, job: Job, status: JobStatus, end: Callable[[], object]) -> None:
        """Try to end a job with a claim: it works exactly when the claim is the latest on a running job."""
        expected = self.model.jobs[job.job_id]
        if expected.status is not JobStatus.RUNNING or expected.fence != job.fence:
            with pytest.raises(LeaseLost):
                end()
            return
        end()
        expected.status = status
        if status is JobStatus.FAILED:
            self.model.available += expected.price

    @rule(job=claims)
    def succeeds(self, job: Job) -> None:
        self.ends(job, JobStatus.SUCCEEDED, lambda: lifecycle.succeed(self.db, job, report={}, made=[]))

    @rule(job=claims)
    def fails(self, job: Job) -> None:
        self.ends(job, JobStatus.FAILED, lambda: lifecycle.fail(self.db, job, EngineCrashed()))

    @rule(job=claims)
    def stumbles(self, job: Job) -> None:
        again = job.attempts < MAX_ATTEMPTS
        self.ends(
            job,
            JobStatus.QUEUED if again else JobStatus.FAILED,
            lambda: lifecycle.retry(
                self.db, job, StorageUnavailable(), max_attempts=MAX_ATTEMPTS, delay_seconds=RETRY_SECONDS
            ),
        )
        expected = self.model.jobs[job.job_id]
        if expected.status is JobStatus.QUEUED and expected.fence == job.fence:
            expected.fence += 1
            expected.run_at = self.model.now + RETRY_SECONDS * 2 ** (job.attempts - 1)

    @rule(data=st.data())
    def is_canceled(self, data: st.DataObject) -> None:
        if not self.model.jobs:
            return
        job_id = data.draw(st.sampled_from(sorted(self.model.jobs)))
        job, expected = select_job(self.db, job_id), self.model.jobs[job_id]
        assert job is not None
        if expected.status.is_terminal:
            with pytest.raises(JobAlreadyFinished):
                lifecycle.cancel(self.db, job)
            return
        lifecycle.cancel(self.db, job)
        expected.status = JobStatus.CANCELED
        expected.fence += 1
        self.model.available += expected.price

    @rule(seconds=st.sampled_from([1, 5, 61]))
    def waits(self, seconds: int) -> None:
        self.model.now += seconds
        travel(self.db, f"{self.model.now} seconds")

    @rule()
    def is_swept(self) -> None:
        recovery.recover(self.db, max_attempts=MAX_ATTEMPTS, resend_seconds=5, limit=100)
        for expected in self.model.jobs.values():
            if expected.status is JobStatus.RUNNING and expected.lease_until <= self.model.now:
                spent = expected.attempts >= MAX_ATTEMPTS
                expected.status = JobStatus.FAILED if spent else JobStatus.QUEUED
                expected.fence += not spent
                expected.run_at = self.model.now
                self.model.available += expected.price if spent else 0

    @invariant()
    def the_balances_are_the_models(self) -> None:
        assert (self.model.available, self.model.reserved) == balances(self.db, self.scene.account)

    @invariant()
    def every_job_is_where_the_model_has_it(self) -> None:
        rows = self.db.execute("SELECT job_id, status::text FROM jobs WHERE user_id = %s", [self.scene.account.user_id])
        assert {job_id: job.status.value for job_id, job in self.model.jobs.items()} == dict(rows.fetchall())

    @invariant()
    def the_invariants_hold(self) -> None:
        broken = select_all_violations(self.db)
        # This machine makes no files, and may let a lease run out for long before it sweeps.
        broken.pop("every_succeeded_job_has_its_results_until_they_expire", None)
        broken.pop("no_job_outlives_its_lease_and_a_sweep", None)
        assert {} == broken


def test_any_order_of_anything_keeps_the_ledger_right(empty_database: TestDatabase) -> None:
    Ledger.url = empty_database.owner_url
    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=40,
            stateful_step_count=40,
            deadline=None,
            database=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
