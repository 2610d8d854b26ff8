"""Redis, killed, emptied, frozen, and reached through sockets that are half open."""

import time

from tests.torture.faults import Scene, fault

PROMISED_SECONDS = 0.5


@fault(
    "Redis killed",
    "Nothing accepted depends on Redis: submits go on, and the work goes on once it is back.",
    rounds=3,
)
def kill_redis(scene: Scene) -> None:
    with scene.load() as load:
        for _ in range(scene.rounds):
            scene.house.kill("valkey")
            load.until_accepted(15)
            scene.until(scene.house.redis_answers, 30, "Redis did not come back")


@fault(
    "Redis emptied (FLUSHALL)",
    "Every queued message is gone; the wake-up rows bring them again.",
    rounds=5,
    short=1,
)
def flush_redis(scene: Scene) -> None:
    with scene.load() as load:
        for _ in range(scene.rounds):
            load.until_accepted(10)
            scene.house.redis("FLUSHALL")


@fault(
    "Redis killed without AOF",
    "It forgets everything; the jobs are in Postgres.",
    rounds=3,
)
def forget_redis(scene: Scene) -> None:
    with scene.load() as load:
        for _ in range(scene.rounds):
            scene.house.redis("CONFIG SET appendonly no")
            scene.house.empty_redis_files()
            load.until_accepted(10)
            scene.house.kill("valkey")
            scene.until(scene.house.redis_answers, 30, "Redis did not come back")


@fault(
    "Redis frozen (SIGSTOP)",
    "A submit is still answered by 202 within 500 ms; the jobs end once Redis goes on.",
    rounds=2,
    short=1,
)
def freeze_redis(scene: Scene) -> None:
    customer = scene.customer()
    slow: list[float] = []
    for _ in range(scene.rounds):
        scene.house.stop("valkey")
        for _ in range(8):
            begun = time.perf_counter()
            customer.submit(customer.images[0], options={"detail": scene.rng.randrange(101)})
            slow.append(time.perf_counter() - begun)
        with scene.load(2, pause=0.3):
            time.sleep(2)
    median = sorted(slow)[len(slow) // 2]
    scene.notes.append(f"slowest submit {max(slow) * 1000:.0f} ms, median {median * 1000:.0f} ms")
    # A neighbour on the same two cores may hold some of them up a little; a wait for Redis, which is remembered for a
    # second, would hold up at least one of them for much longer.
    scene.expect(median < PROMISED_SECONDS, f"half of the submits took more than {median:.2f} s")
    scene.expect(max(slow) < 4 * PROMISED_SECONDS, f"the slowest submit took {max(slow):.2f} s")


@fault(
    "half-open sockets to Redis",
    "Every wait for Redis is bounded: the api and the workers connect anew.",
    rounds=2,
)
def half_open_redis(scene: Scene) -> None:
    with scene.load(2, pause=0.1) as load:
        for _ in range(scene.rounds):
            for door in ("api-valkey", "worker-valkey"):
                scene.house.proxies[door].half_open()
            load.until_accepted(30)
