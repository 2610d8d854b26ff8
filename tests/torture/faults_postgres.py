"""Postgres, crashed, cut off in the middle of a COMMIT, half open, and behind a pooler."""

import os
import shutil
import signal
import subprocess
import time

from dev.home import CHECKOUT
from tests.acceptance.stacks import eventually
from tests.torture.clients import Customer
from tests.torture.faults import Scene, fault
from tests.torture.faults_api import SUBMIT
from tests.torture.faults_workers import CAPTURE, CLAIM
from tests.torture.house import House, Twist
from tests.torture.proxy import Trap, When

COMMITS = (("api-postgres", SUBMIT), ("worker-postgres", CAPTURE), ("worker-postgres", CLAIM))
POOLER_NAMES = ("PGBOUNCER", "pgbouncer", "/usr/sbin/pgbouncer")


@fault(
    "Postgres crashed (immediate stop) under load",
    "What was committed is there, what was not did not happen; clients repeat and find out which.",
    rounds=4,
    short=1,
)
def crash_postgres(scene: Scene) -> None:
    with scene.load() as load:
        for _ in range(scene.rounds):
            before = scene.house.process("postgres").pid
            os.kill(before, signal.SIGQUIT)
            scene.until(lambda before=before: _is_back(scene.house, before), 60, "Postgres did not come back")
            load.until_accepted(10)


def _is_back(house: House, before: int) -> bool:
    process = house.stack.find("postgres")
    return process is not None and process.pid != before


@fault(
    "COMMIT's answer dropped",
    "Nobody knows whether it was made but the database: api and workers read again by key, and do nothing twice.",
    rounds=24,
    short=3,
)
def drop_answers(scene: Scene) -> None:
    with scene.load() as load:
        for number in range(scene.rounds):
            door, marker = (("api-postgres", SUBMIT), ("worker-postgres", CAPTURE), ("worker-postgres", CLAIM))[
                number % 3
            ]
            when = When.BEFORE if scene.rng.random() < 0.3 else When.AFTER
            trap = scene.house.proxies[door].set_trap(Trap(marker, when, cut=True))
            scene.until(trap.sprung.is_set, 40, f"no database transaction with {marker.decode()} was caught")
            load.until_accepted(2)


@fault(
    "connections to Postgres cut",
    "Every connection is closed at once, in whatever it was doing: requests are repeated, attempts settled again.",
    rounds=6,
)
def cut_postgres(scene: Scene) -> None:
    with scene.load() as load:
        for _ in range(scene.rounds):
            scene.house.proxies["api-postgres"].cut()
            load.until_accepted(4)
            scene.house.proxies["worker-postgres"].cut()
            load.until_accepted(4)


@fault(
    "half-open sockets to Postgres",
    "Nobody closes the dead connections: they are given up in bounded time and replaced.",
    rounds=2,
)
def half_open_postgres(scene: Scene) -> None:
    with scene.load(2, pause=0.1) as load:
        for _ in range(scene.rounds):
            for door in ("api-postgres", "worker-postgres"):
                scene.house.proxies[door].half_open()
            begun = time.monotonic()
            load.until_accepted(10, 120)
            scene.notes.append(f"ten more were accepted after {time.monotonic() - begun:.1f} s")


def _pooler() -> str | None:
    given = os.environ.get(POOLER_NAMES[0])
    return given or next((path for name in POOLER_NAMES[1:] if (path := shutil.which(name))), None)


def _no_pooler() -> str | None:
    return None if _pooler() else "no pgbouncer on this machine (apt install pgbouncer, or PGBOUNCER=path)"


def _start_pooler(house: House) -> "subprocess.Popen[bytes]":
    """The configuration and the start of deploy/pgbouncer, with other addresses and folders."""
    program = _pooler()
    assert program is not None
    for name in ("DATABASE_URL", "MAINTENANCE_DATABASE_URL"):
        (house.folder / name.lower()).write_text(
            house.address_of("api")[name]
        )  # of these only user and password matter
    here = {
        "host=postgres port=5432": f"host=127.0.0.1 port={house.ports['postgres']}",
        "listen_addr = *": "listen_addr = 127.0.0.1",
        "listen_port = 6432": f"listen_port = {house.pooler_port}",
        # Few connections for many clients, so that different customers take turns on each.
        "default_pool_size = 30": "default_pool_size = 4",
        "/run/secrets/": f"{house.folder}/",
        "/tmp/users.txt": f"{house.folder}/users.txt",
        "/etc/tovector/": f"{house.folder}/",
        "exec pgbouncer": f"exec {program}",
    }
    texts = {
        name: (CHECKOUT / "deploy" / "pgbouncer" / name).read_text("utf-8") for name in ("pgbouncer.ini", "start.sh")
    }
    for theirs, ours in here.items():
        assert any(theirs in text for text in texts.values()), f"deploy/pgbouncer no longer says {theirs}"
        texts = {name: text.replace(theirs, ours) for name, text in texts.items()}
    for name, text in texts.items():
        (house.folder / name).write_text(text)
    log = (house.folder / "pgbouncer.log").open("wb")
    command = ["/bin/sh", str(house.folder / "start.sh")]
    if os.geteuid() == 0:  # it refuses to run as root
        command = ["unshare", "--user", "--map-user=65534", "--map-group=65534", *command]
    return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)


POOLED = Twist("pooled", pooler=_start_pooler)


@fault(
    "pgbouncer in transaction mode",
    "Customers that share connections never see each other's jobs, and every job ends.",
    twist=POOLED,
    skipped_because=_no_pooler,
)
def behind_a_pooler(scene: Scene) -> None:
    with scene.load(6, pause=0.01) as load:
        for _ in range(5):
            load.until_accepted(20)
            for customer in scene.customers:
                _see_only_your_own(scene, customer)
    scene.expect(eventually(lambda: _pooled_connections(scene.house) <= 8), "more connections than the pooler may open")


def _see_only_your_own(scene: Scene, customer: Customer) -> None:
    """Lists hold one's own jobs alone; another's job and image are answered by 404."""
    answer = customer.request("GET", "/v1/jobs", params={"limit": 100})
    owners = scene.house.rows(
        "SELECT DISTINCT user_id FROM jobs WHERE job_id = ANY(%s::uuid[])",
        [job["job_id"] for job in answer.json()["data"]],
    )
    scene.expect({owner for (owner,) in owners} <= {customer.user_id}, "a list shows another account's jobs")
    for other in scene.customers:
        asked = [ask for ask in other.asks if ask.job]
        if other is not customer and asked:
            status = customer.http.get(f"/v1/jobs/{asked[-1].job_id}").status_code
            scene.expect(status == 404, f"another account's job is answered by {status}")
            status = customer.http.get(f"/v1/images/{other.images[0]}").status_code
            scene.expect(status == 404, f"another account's image is answered by {status}")


def _pooled_connections(house: House) -> int:
    ((count,),) = house.rows(
        "SELECT count(*) FROM pg_stat_activity WHERE usename IN ('tovector_api', 'tovector_operator')"
    )
    return int(count)
