"""The api, killed and restarted, and what many clients do at the same moment."""

import signal
import threading
import time
from collections import Counter
from decimal import Decimal
from uuid import uuid4

import httpx
import psutil

from dev.customer import Body
from dev.standins.clerk import tokens
from tests.torture.clients import Ask, Customer
from tests.torture.faults import Scene, fault
from tests.torture.proxy import Trap, When

SUBMIT = b"SET credit_balance = credit_balance -"
CROWD = 200
KEYS_SECONDS = 40.0
"""A little more than the pause between two looks for a key that is not known (api/session.py)."""


@fault(
    "api killed between commit and publish",
    "The jobs are committed and their messages never sent: the sweep sends them.",
    rounds=4,
    short=1,
)
def kill_before_publish(scene: Scene) -> None:
    for _ in range(scene.rounds):
        with scene.load() as load:
            scene.house.proxies["api-valkey"].hold()
            load.until_accepted(5)
            scene.house.kill("api")


@fault(
    "api killed while its COMMIT is answered",
    "The client repeats its request with the same Idempotency-Key and is given the job that was made.",
    rounds=4,
)
def kill_in_commit(scene: Scene) -> None:
    with scene.load() as load:
        for number in range(scene.rounds):
            when = When.AFTER if number % 2 == 0 else When.BEFORE
            trap = scene.house.proxies["api-postgres"].set_trap(Trap(SUBMIT, when, cut=False))
            if scene.until(trap.sprung.is_set, 30, "no submit was caught"):
                scene.house.kill("api")
            load.until_accepted(8)


@fault(
    "rolling restart of the api under load",
    "New processes take over the listening socket: not one request fails.",
    rounds=2,
    short=1,
)
def rolling_restart(scene: Scene) -> None:
    with scene.load(4) as load:
        for _ in range(scene.rounds):
            master = scene.house.process("api")
            before = set(master.children())
            master.send_signal(signal.SIGHUP)
            scene.until(lambda master=master, before=before: _all_new(master, before), 60, "the api was not reloaded")
            load.until_accepted(10)
    failed = sum(customer.failed_requests for customer in scene.customers)
    scene.expect(failed == 0, f"{failed} requests failed")


def _all_new(master: psutil.Process, before: set[psutil.Process]) -> bool:
    now = set(master.children())
    return bool(now) and before.isdisjoint(now)


@fault(
    "the same Idempotency-Key, 200 at once",
    "One job, charged once; every request gets the same answer, or is told that the first is in flight.",
    rounds=5,
    short=1,
)
def same_key(scene: Scene) -> None:
    for _ in range(scene.rounds):
        customer = scene.customer("5")
        ask = Ask(str(uuid4()), f"/v1/images/{customer.images[0]}/vectorizations", {})
        answers = _at_once(customer, [ask.key] * CROWD, ask.path)
        made = {body["job_id"] for status, body in answers if status == 202}
        others = Counter((status, body.get("slug")) for status, body in answers if status != 202)
        scene.expect(len(made) == 1, f"one key made {len(made)} jobs")
        scene.expect(set(others) <= {(409, "idempotency-key-in-flight")}, f"odd answers: {others}")
        customer.asks.append(customer.repeat(ask))
        scene.expect(made == {ask.job_id}, "the key means another job now")


@fault(
    "last credit, 200 racers",
    "One gets the last credit, 199 are told that it is not enough; the balance is never negative.",
    rounds=5,
    short=1,
)
def last_credit(scene: Scene) -> None:
    for _ in range(scene.rounds):
        customer = scene.customer("1")
        path = f"/v1/images/{customer.images[0]}/vectorizations"
        keys = [str(uuid4()) for _ in range(CROWD)]
        answers = _at_once(customer, keys, path)
        counts = Counter((status, body.get("slug")) for status, body in answers)
        scene.expect(counts == {(202, None): 1, (402, "insufficient-credits"): CROWD - 1}, f"the race ended {counts}")
        for key, (status, body) in zip(keys, answers, strict=True):
            if status == 202:
                customer.asks.append(Ask(key, path, {}, job=body))
        scene.until(lambda customer=customer: customer.balance()[1] == 0, 60, "credits stay reserved")
        scene.expect(customer.balance()[0] in {Decimal(0), Decimal(1)}, f"the balance is {customer.balance()}")


def _at_once(customer: Customer, keys: list[str], path: str) -> list[tuple[int, Body]]:
    """The same request once for each key, all sent in the same moment; the answers in the order of the keys."""
    answers: list[tuple[int, Body]] = [(0, {})] * len(keys)
    start = threading.Barrier(len(keys))

    def ask(number: int) -> None:
        start.wait()
        for _ in range(20):
            try:
                answer = customer.http.post(path, json={"options": {}}, headers={"Idempotency-Key": keys[number]})
            except httpx.HTTPError as error:
                answers[number] = (0, {"slug": repr(error)})
                return
            answers[number] = (answer.status_code, answer.json())
            if answer.status_code != 503:
                return
            time.sleep(0.3)  # more at once than the pool of connections serves in time

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(keys))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@fault(
    "sign-in's keys down",
    "Cached keys serve through the outage; whoever comes new is let in once the keys are back.",
)
def keys_down(scene: Scene) -> None:
    with scene.load() as load:
        scene.house.proxies["sign-in"].refuse()
        load.until_accepted(30)
    failed = sum(customer.failed_requests for customer in scene.customers)
    scene.expect(failed == 0, f"{failed} requests of known customers failed")


@fault(
    "sign-in's keys rotated",
    "Tokens of the old key are good while it is published; tokens of the new one are within half a minute.",
)
def keys_rotated(scene: Scene) -> None:
    with scene.load() as load:
        address = f"http://127.0.0.1:{scene.house.ports['sign-in']}/_rotate"
        httpx.post(address, json={"keep_old": True}).raise_for_status()
        begun = time.monotonic()
        scene.until(lambda: _is_let_in(scene), KEYS_SECONDS, "tokens of the new key are refused")
        scene.notes.append(f"a token of the new key was good after {time.monotonic() - begun:.1f} s")
        load.until_accepted(20)


def _is_let_in(scene: Scene) -> bool:
    token = tokens.mint(scene.house.home.sign_in, "newcomer@example.com")
    address = f"{scene.house.stack.url}/v1/credits"
    return httpx.get(address, headers={"Authorization": f"Bearer {token}"}).status_code == 200
