"""From a fault to somebody's telephone: the real stack, and Prometheus and Alertmanager with the files of deploy."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import psycopg
import pytest

from dev.children import Child, Children, Program, wait_until
from dev.customer import Customer
from dev.home import CHECKOUT
from dev.people import open_account, set_credits, sign_in
from dev.ports import free_ports
from dev.probes import Workers
from tests.acceptance.conftest import IMPATIENT
from tests.acceptance.stacks import Stack
from tests.acceptance.stacks import eventually as eventually_within
from tests.acceptance.watching import Prometheus, Receivers, watching

TOKEN = "let-prometheus-see"
# Beside the API what the test needs: beat's sweeps. The worker that is to die is the test's own, or it would come back.
PROCESSES = ("api", "worker-maintenance", "beat")
MORTAL = "worker-vectorize"

# More than alerts need, for a machine that is busy with other tests.
eventually = partial(eventually_within, seconds=90)


def commands() -> dict[str, str]:
    """What the Procfile runs, by name."""
    lines = (CHECKOUT / "Procfile").read_text("utf-8").splitlines()
    return {name: command for name, _, command in (line.partition(": ") for line in lines)}


@dataclass(slots=True)
class Watched:
    """A stack that is watched, its one tracing worker, and who is called."""

    stack: Stack
    children: Children
    port: int
    prometheus: Prometheus
    receivers: Receivers
    worker: Child | None = None

    def start_worker(self) -> None:
        """Start the worker and wait until Prometheus sees it."""
        # As on a machine of its own: it shows its figures at its own port, and shares no folder with the API.
        environment = self.stack.environment | self.stack.running.settings | {"METRICS_PORT": str(self.port)}
        environment.pop("PROMETHEUS_MULTIPROC_DIR")
        environment["PATH"] = f"{CHECKOUT / '.venv' / 'bin'}{os.pathsep}{environment['PATH']}"
        mortal = Program(MORTAL, ("/bin/sh", "-c", f"exec {commands()[MORTAL]}"), environment)
        self.worker = self.children.start(mortal)
        wait_until(Workers(environment["REDIS_URL"]).consumes(mortal), self.worker, timeout_seconds=60)
        assert eventually(lambda: self.prometheus.ask('up{job="workers"} == 1')), self.worker.tail()

    def kill_worker(self) -> None:
        """kill -9."""
        assert self.worker is not None
        self.children.stop([self.worker], grace_seconds=0)

    def customer(self, who: str) -> Customer:
        session = sign_in(self.stack.home, who, admin=False)
        set_credits(self.stack.running, open_account(self.stack.running, session, who), "5")
        return Customer(self.stack.url, session)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    procfile = folder / "Procfile"
    procfile.write_text("".join(f"{name}: {commands()[name]}\n" for name in PROCESSES))
    environment = IMPATIENT | {"METRICS_TOKEN": TOKEN}
    stack = Stack(folder / "house", "--procfile", str(procfile), environment=environment)
    (port,) = free_ports(1)
    try:
        stack.until_ready()
        api = stack.url.removeprefix("http://")
        targets = {"api": api, "workers": f"127.0.0.1:{port}"}
        with Children(folder) as children, watching(folder, targets, TOKEN) as (prometheus, receivers):
            yield Watched(stack, children, port, prometheus, receivers)
    finally:
        stack.stop()


def test_metrics_are_for_prometheus_alone_and_it_reads_them(watched: Watched) -> None:
    assert 401 == httpx.get(f"{watched.stack.url}/metrics").status_code
    assert eventually(lambda: watched.prometheus.ask('up{job="api"} == 1'))


def test_a_worker_that_is_killed_is_told_to_the_pager_and_that_it_is_mended_too(
    watched: Watched, picture: Path
) -> None:
    watched.start_worker()
    with watched.customer("waiting@example.com") as alice:
        image_id = alice.upload(picture)["image_id"]
        assert "succeeded" == alice.finish(alice.submit(image_id, "vectorizations"))["status"]
        done = 'tovector_attempts_total{kind="vectorization",outcome="succeeded",job="workers"}'
        assert eventually(lambda: watched.prometheus.ask(done))

        watched.kill_worker()
        job = alice.submit(image_id, "vectorizations", {"colors": 3})
        assert eventually(lambda: watched.receivers.heard("pager", "trigger", "QueueOld")), watched.receivers.calls
        call = watched.receivers.heard("pager", "trigger", "QueueOld")
        assert call is not None
        assert call.summary.startswith("A vectorization has waited ")
        assert "docs/runbook.md#jobs-stay-queued" == call.runbook
        assert eventually(lambda: watched.receivers.heard("mail", "trigger", "WorkerDown")), watched.receivers.calls

        watched.start_worker()
        assert "succeeded" == alice.finish(job)["status"]
    assert eventually(lambda: watched.receivers.heard("pager", "resolve", "QueueOld")), watched.receivers.calls
    assert eventually(lambda: watched.receivers.heard("mail", "resolve", "WorkerDown")), watched.receivers.calls


def test_a_balance_that_is_changed_by_hand_is_told_to_the_pager_until_it_is_mended(watched: Watched) -> None:
    watched.customer("robbed@example.com").http.close()
    change = "UPDATE users SET credit_balance = credit_balance + %s WHERE email = 'robbed@example.com'"
    with psycopg.connect(watched.stack.running.superuser_url, autocommit=True) as db:
        db.execute(change, ["0.1"])
        try:
            heard = eventually(lambda: watched.receivers.heard("pager", "trigger", "InvariantBroken"))
        finally:
            db.execute(change, ["-0.1"])
    assert heard, watched.receivers.calls
    assert eventually(lambda: watched.receivers.heard("pager", "resolve", "InvariantBroken")), watched.receivers.calls


def test_nobody_was_called_for_anything_else(watched: Watched) -> None:
    paged = {call.alert for call in watched.receivers.calls if call.receiver == "pager" and call.action == "trigger"}
    assert {"QueueOld", "InvariantBroken"} == paged
