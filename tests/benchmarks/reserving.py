"""The reserve transaction and the HTTP submit, against one commit and one LPUSH."""

from decimal import Decimal

import psycopg

from shared import lifecycle
from shared.ids import new_id
from shared.jobs import JobKind
from tests.acceptance.pictures import drawing
from tests.benchmarks.bench import Bench
from tests.benchmarks.floors import open_floor
from tests.benchmarks.pairs import single_requests
from tests.benchmarks.table import Report, Row, at_most, row, shown
from tests.factories import Scene, act_for, make_scene

EACH = 40


def reserve(bench: Bench) -> Report:
    """The database transaction of a submit and the message after it, as the api makes them."""
    scratch = bench.database("bench_reserve")
    floor = open_floor(bench, scratch.owner)
    scene = new_scene(scratch.owner)
    wish = lifecycle.Submission(
        scene.account.user_id, scene.image.image_id, JobKind.VECTORIZATION, Decimal(1), {}, ["svg"]
    )

    def submit() -> None:
        with scratch.database.transaction(user_id=wish.user_id) as db:
            lifecycle.submit(db, wish, job_id=new_id(), resend_seconds=5)
        floor.push()

    times = single_requests(submit, floor.both, bench.pairs, each=EACH)
    return Report([row("reserve transaction p50 ÷ one commit + one LPUSH", times.p50, "ms", at_most(1.6))])


def submit(bench: Bench) -> Report:
    """`POST /v1/images/{id}/vectorizations`, from the first byte sent to the last received."""
    floor = open_floor(bench, bench.database("bench_submit").owner)
    image = bench.person.upload("small.png", drawing(), bench.folder)
    with bench.person.line() as line, bench.nobody_vectorizes():
        wire = line.raw("POST", f"/v1/images/{image}/vectorizations", b"{}")

        def ask() -> None:
            answer = line.ask(wire)
            assert answer.status == 202, answer

        times = single_requests(ask, floor.both, bench.pairs, each=EACH)
    a, b = times.tails()
    return Report(
        [
            row("HTTP submit p50 ÷ one commit + one LPUSH", times.p50, "ms", at_most(3.0)),
            Row("HTTP submit p99 ÷ the floor's p99", shown(a, "ms"), shown(b, "ms"), a / b, at_most(4.0), bench.pairs),
        ]
    )


def new_scene(owner: psycopg.Connection) -> Scene:
    """An account with credits enough for anything, and a picture."""
    with owner.transaction():
        scene = make_scene(owner, credits="100000")
        act_for(owner, user_id=None)
    return scene
