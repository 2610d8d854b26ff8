"""Clocks and beats: the machines' clocks may be wrong, and beat may run three times or not at all."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from dev.home import CHECKOUT
from tests.torture.faults import Scene, fault
from tests.torture.house import IMPATIENT, House, Twist

SOURCE = Path(__file__).with_name("wrong_clock.c")
HOURS = 2


def _no_compiler() -> str | None:
    return None if shutil.which("cc") else "no C compiler on this machine to build wrong_clock.c with (apt install gcc)"


def _library(house: House) -> Path:
    """The library that makes a process's wall clock wrong, built once for each stack."""
    library = house.folder / "wrong_clock.so"
    if not library.exists():
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl"], check=True)
    return library


def _wrong_by(hours: int) -> Callable[[House], dict[str, str]]:
    def told(house: House) -> dict[str, str]:
        return {"LD_PRELOAD": str(_library(house)), "WRONG_CLOCK_SECONDS": str(hours * 3600)}

    return told


AHEAD = Twist("ahead", api=_wrong_by(HOURS), workers=_wrong_by(HOURS))
BEHIND = Twist("behind", api=_wrong_by(-HOURS), workers=_wrong_by(-HOURS))
APART = Twist("apart", api=_wrong_by(HOURS), workers=_wrong_by(-HOURS))


def _with_wrong_clocks(scene: Scene) -> None:
    with scene.load() as load:
        load.until_accepted(20)
        scene.house.kill("worker-vectorize")
        load.until_accepted(20)


for _name, _twist in (("+2 h", AHEAD), ("-2 h", BEHIND), ("api +2 h, workers -2 h", APART)):
    fault(
        f"app clock {_name}",
        "Leases, retries, expiry and sweeps go by the database's clock alone: nothing is early, late or lost.",
        twist=_twist,
        skipped_because=_no_compiler,
    )(_with_wrong_clocks)


@fault(
    "three beats, then none",
    "Sweeps that meet leave each other alone; without any, new messages still bring every job to its end.",
)
def many_beats(scene: Scene) -> None:
    environment = os.environ | scene.house.stack.running.settings | IMPATIENT | scene.house.address_of("worker")
    environment |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, "-m", "celery", "-A", "workers.app", "beat", "--pidfile="]
    with (scene.house.folder / "beats.log").open("wb") as log:
        beats = [subprocess.Popen(command, env=environment, cwd=CHECKOUT, stdout=log, stderr=log) for _ in range(2)]
    try:
        with scene.load() as load:
            time.sleep(3)
            scene.house.kill("worker-vectorize")
            load.until_accepted(40)
            for beat in beats:
                beat.kill()
            scene.house.stop("beat")
            load.until_accepted(40)
            scene.house.kill("worker-second")
            load.until_accepted(20)
    finally:
        for beat in beats:
            beat.kill()
            beat.wait()
