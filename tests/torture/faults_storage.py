"""The object storage, failing, hanging, answering nobody, and full."""

import os
import shutil
import subprocess
from collections.abc import Callable

from tests.torture.clients import TERMINAL
from tests.torture.faults import Scene, fault
from tests.torture.house import House, Twist
from tests.torture.proxy import Proxy

SMALL_DISK_BYTES = 8_000_000


@fault(
    "storage answers 500",
    "Uploads are refused or repeated, attempts are tried again; a job that fails costs nothing.",
    rounds=4,
)
def storage_errors(scene: Scene) -> None:
    _spoiled(scene, "error", 6)


@fault(
    "storage does not answer",
    "Every request is bounded in time; the lease is longer than the longest attempt.",
    rounds=2,
)
def storage_hangs(scene: Scene) -> None:
    _spoiled(scene, "timeout", 3)


@fault(
    "storage stores, its answer is lost",
    "The same bytes under the same key again are fine: nothing is stored twice or lost.",
    rounds=4,
    short=1,
)
def storage_answer_lost(scene: Scene) -> None:
    _spoiled(scene, "lost", 6)


def _spoiled(scene: Scene, kind: str, count: int) -> None:
    with scene.load() as load:
        for _ in range(scene.rounds):
            scene.house.spoil_storage(kind, count=count, path="/object/", seconds=4.0)
            load.until_accepted(12)
            scene.until(lambda: not scene.house.storage_faults(), 60, "the storage was not asked")


@fault(
    "half-open sockets to storage",
    "Requests on dead connections time out and are made again on new ones.",
)
def half_open_storage(scene: Scene) -> None:
    doors: list[Proxy] = [scene.house.proxies["worker-storage"], scene.house.proxies["api-storage"]]
    with scene.load() as load:
        for door in doors:
            door.half_open()
        load.until_accepted(20)


def _no_small_disk() -> str | None:
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return "only root may mount a small tmpfs"
    return None


def _small_disk(house: House) -> Callable[[], None]:
    folder = house.folder / "storage"
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_BYTES}", "tmpfs", str(folder)], check=True)
    return lambda: _unmount(str(folder))


def _unmount(folder: str) -> None:
    subprocess.run(["umount", "--lazy", folder], check=False)


SMALL_DISK = Twist("small-disk", prepare=_small_disk)


@fault(
    "disk full (storage on an 8 MB tmpfs)",
    "What cannot be stored fails in the end and costs nothing; with room again everything succeeds.",
    twist=SMALL_DISK,
    skipped_because=_no_small_disk,
)
def disk_full(scene: Scene) -> None:
    ballast = scene.house.folder / "storage" / "ballast"
    with scene.load(2) as load:
        _fill(str(ballast))
        load.until_accepted(12)
        scene.until(lambda: _failed(scene) > 0, 90, "nothing failed though nothing can be stored")
        ballast.unlink()
        load.until_accepted(12)
    customer = scene.customers[0]
    ask = customer.submit(customer.images[0])
    scene.expect(customer.finish(ask) == "succeeded", f"with room again a job is {ask.status}")
    ended = [ask.status for one in scene.customers for ask in one.asks if ask.status in TERMINAL]
    scene.notes.append(f"seen so far: {ended.count('failed')} failed, {ended.count('succeeded')} succeeded")


def _failed(scene: Scene) -> int:
    ((count,),) = scene.house.rows("SELECT count(*) FROM jobs WHERE status = 'failed'")
    return int(count)


def _fill(path: str) -> None:
    with open(path, "wb", buffering=0) as file:  # noqa: PTH123 - unbuffered, to notice the last byte
        for size in (65_536, 512):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
