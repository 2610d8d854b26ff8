"""Workers and their engine, killed and stopped at every step of a job."""

import contextlib
import time

import psutil

from tests.acceptance.pictures import noise
from tests.torture.faults import Scene, fault
from tests.torture.house import TRACERS, WORKERS
from tests.torture.proxy import Trap, When

CLAIM = b"claim_turn("
CAPTURE = b"SET status = 'succeeded'"
ALL_TRACERS = (*TRACERS, "worker-preview")
MOMENT_SECONDS = 40.0
HARD_SIDE = 320


def _kill_at(scene: Scene, marker: bytes, when: When) -> None:
    """Under load, kill the worker that has just sent a COMMIT of this kind; it never hears the answer."""
    with scene.load() as load:
        for _ in range(scene.rounds):
            trap = scene.house.proxies["worker-postgres"].set_trap(Trap(marker, when, cut=False))
            if scene.until(trap.sprung.is_set, MOMENT_SECONDS, "no worker came to this step"):
                scene.house.kill(scene.house.owner_of(trap.client_port, ALL_TRACERS))
            load.until_accepted(8)


@fault(
    "worker killed before its claim is committed",
    "The job is still queued; its wake-up stands, and another message brings it to another worker.",
    rounds=4,
)
def kill_before_claim(scene: Scene) -> None:
    _kill_at(scene, CLAIM, When.BEFORE)


@fault(
    "worker killed after its claim",
    "The lease runs out, the sweep takes the job back, the second attempt ends it.",
    rounds=4,
    short=1,
)
def kill_after_claim(scene: Scene) -> None:
    _kill_at(scene, CLAIM, When.AFTER)


@fault(
    "engine child killed in the trace",
    "The living worker records it at once; the job is tried again or fails with a clear problem, and costs nothing.",
    rounds=8,
)
def kill_child_in_trace(scene: Scene) -> None:
    customer = scene.customer()
    hard = customer.upload(noise(HARD_SIDE))
    before = {name: scene.house.process(name).pid for name in TRACERS}
    with scene.load(2):
        for _ in range(scene.rounds):
            ask = customer.submit(hard, options={"detail": scene.rng.randrange(101)})
            scene.until(lambda ask=ask: _is_begun(scene, ask.job_id), MOMENT_SECONDS, "never traced")
            for name in TRACERS:
                for child in _engine_children(scene, name):
                    with contextlib.suppress(psutil.NoSuchProcess):
                        child.kill()
            customer.finish(ask)
            scene.expect(ask.status in {"succeeded", "failed"}, f"a job without its engine is {ask.status}")
    now = {name: scene.house.process(name).pid for name in TRACERS}
    scene.expect(before == now, "a worker ended with its engine's child")


def _is_begun(scene: Scene, job_id: str) -> bool:
    rows = scene.house.rows("SELECT status::text FROM jobs WHERE job_id = %s", job_id)
    return rows == [("running",)] or (bool(rows) and rows[0][0] in {"succeeded", "failed"})


def _engine_children(scene: Scene, name: str) -> list[psutil.Process]:
    """The processes that trace: the children of the worker's nursery."""
    nurseries = scene.house.process(name).children()
    return [child for nursery in nurseries for child in nursery.children()]


@fault(
    "worker killed in the trace",
    "The lease runs out and the job is tried again; the engine's processes die with their worker.",
    rounds=3,
)
def kill_worker_in_trace(scene: Scene) -> None:
    customer = scene.customer()
    hard = customer.upload(noise(HARD_SIDE))
    with scene.load(2):
        for _ in range(scene.rounds):
            ask = customer.submit(hard, options={"detail": scene.rng.randrange(101)})
            scene.until(lambda ask=ask: _is_begun(scene, ask.job_id), MOMENT_SECONDS, "never traced")
            orphans = [child for name in TRACERS for child in scene.house.family(name)]
            for name in TRACERS:
                scene.house.process(name).kill()
            scene.until(
                lambda orphans=orphans: not any(map(_lives, orphans)), 10, "engine processes outlive their worker"
            )
            customer.finish(ask)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@fault(
    "worker killed in the upload",
    "The object of the dead attempt has a key of its own: nothing lists it, and the orphan sweep removes it.",
    rounds=4,
)
def kill_in_upload(scene: Scene) -> None:
    with scene.load() as load:
        for _ in range(scene.rounds):
            scene.house.spoil_storage("slow", count=1, method="POST", path=".svg", seconds=1.5)
            if scene.until(lambda: not scene.house.storage_faults(), MOMENT_SECONDS, "nothing was uploaded"):
                for name in TRACERS:
                    scene.house.kill(name)
            load.until_accepted(8)


@fault(
    "worker killed before its capture is committed",
    "The result is thrown away with the attempt, the job is tried again, and charged once.",
    rounds=4,
)
def kill_before_capture(scene: Scene) -> None:
    _kill_at(scene, CAPTURE, When.BEFORE)


@fault(
    "worker killed after its capture",
    "The job has succeeded and was charged; nobody does it again, and its owner sees it.",
    rounds=4,
    short=1,
)
def kill_after_capture(scene: Scene) -> None:
    _kill_at(scene, CAPTURE, When.AFTER)


@fault(
    "whole worker killed at any moment",
    "Every job ends, charged once if it succeeded, whatever it was being done to.",
    rounds=50,
)
def kill_workers(scene: Scene) -> None:
    with scene.load(pause=0.15) as load:
        for number in range(scene.rounds):
            name = TRACERS[number % 2]
            before = scene.house.warm_starts(name)
            time.sleep(scene.rng.uniform(0.1, 1.0))
            scene.house.kill(name)
            load.until_accepted(5)
            scene.house.until_started_again(name, before)


@fault(
    "worker stopped past its lease, then continued",
    "Another worker does the job; the late one is refused by its fence, or ended by its watchdog, and charges nothing.",
    rounds=3,
)
def stop_past_lease(scene: Scene) -> None:
    lease = 10.0
    for _ in range(scene.rounds):
        with scene.load(2, pause=0.3):
            scene.house.spoil_storage("slow", count=1, method="POST", path=".svg", seconds=1.0)
            if not scene.until(lambda: not scene.house.storage_faults(), MOMENT_SECONDS, "nothing was uploaded"):
                continue
            for name in TRACERS:
                scene.house.stop(name)
            time.sleep(lease + 3)
            for name in scene.rng.sample(TRACERS, 2):
                scene.house.cont(name)
                time.sleep(0.2)
    scene.notes.append(f"late writes refused so far: {_refused(scene)}")


def _refused(scene: Scene) -> int:
    logs = [scene.house.home.log / f"{name}.log" for name in TRACERS]
    return sum(log.read_text("utf-8", "replace").count('"outcome": "overtaken"') for log in logs)


@fault(
    "every worker asked to stop, one after another",
    "SIGTERM drains: short work is finished, long work is given back uncounted, no attempt is spent.",
    rounds=2,
)
def drain_workers(scene: Scene) -> None:
    with scene.load() as load:
        for _ in range(scene.rounds):
            for name in WORKERS:
                before = scene.house.warm_starts(name)
                scene.house.process(name).terminate()
                scene.house.until_started_again(name, before)
            load.until_accepted(10)
    for customer in scene.customers:
        for ask in customer.asks:
            if ask.is_accepted and customer.finish(ask) == "failed":
                scene.wrong.append(f"a drained job failed: {ask.slug}")
