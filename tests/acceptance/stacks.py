"""Stacks that the tests start as a person would: `python -m dev up` in a state folder of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
import psutil

from dev.customer import Body, Customer
from dev.home import CHECKOUT, Home, Running
from dev.stack import BUCKET

DEV = (sys.executable, "-m", "dev")


def eventually(holds: Callable[[], object], seconds: float = 30.0) -> bool:
    """Whether something becomes true within some seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


class Stack:
    """One `python -m dev up`, what it said, and the processes it started."""

    def __init__(self, home: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        self.home = Home(home)
        self.environment = os.environ | {"TOVECTOR_HOME": str(home), **(environment or {})}
        self.environment.pop("PORT", None)
        home.mkdir(parents=True, exist_ok=True)
        self.said = home / "said.txt"
        self.pids: set[int] = set()
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                (*DEV, "up", "--with-parent", *arguments),
                env=self.environment,
                cwd=CHECKOUT,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def words(self) -> str:
        return self.said.read_text("utf-8")

    def until_ready(self) -> "Stack":
        assert eventually(lambda: "ready: http" in self.words() or self.process.poll() is not None, 200)
        assert self.process.poll() is None, self.words()
        self.remember()
        return self

    @property
    def running(self) -> Running:
        running = self.home.running()
        assert running is not None
        return running

    @property
    def url(self) -> str:
        match = re.search(r"^ready: (http\S+)$", self.words(), re.MULTILINE)
        assert match is not None, self.words()
        return match[1]

    def ports(self) -> dict[str, int]:
        """Where each server of the stack listens."""
        return json.loads((self.home.folder / "ports.json").read_text("utf-8"))

    def remember(self) -> None:
        """Note every process the stack has now, to look for survivors later."""
        self.pids |= {child.pid for child in psutil.Process(self.process.pid).children(recursive=True)}

    def survivors(self) -> list[str]:
        """What still runs of the processes noted, and of those that name the state folder."""
        found: list[str] = []
        for process in psutil.process_iter(["pid", "cmdline", "status"]):
            ours = process.pid in self.pids or str(self.home.folder) in " ".join(process.info["cmdline"] or [])
            if ours and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(f"{process.pid} {process.info['cmdline']}")
        return found

    def find(self, name: str) -> psutil.Process | None:
        """The process that the Procfile calls `name`, known by the log it writes to."""
        log = self.home.log / f"{name}.log"
        for child in psutil.Process(self.process.pid).children():
            output = Path(f"/proc/{child.pid}/fd/1")
            if output.exists() and output.readlink() == log:
                return child
        return None

    def kill(self, name: str) -> None:
        """Kill that process without warning and wait until another one took its place."""
        before = self.find(name)
        assert before is not None
        before.kill()
        assert eventually(lambda: (now := self.find(name)) is not None and now.pid != before.pid), name

    def folder_of(self, customer: Customer, image: Body) -> str:
        """Where in the object storage everything of an image is, as its signed link shows."""
        link = customer.http.get(f"/v1/images/{image['image_id']}/source").headers["Location"]
        return httpx.URL(link).path.partition(f"/{BUCKET}/")[2].rpartition("/")[0]

    def objects(self, folder: str) -> set[str]:
        """The names of the objects in a folder of the object storage."""
        settings = self.running.settings
        answer = httpx.post(
            f"{settings['SUPABASE_URL']}/storage/v1/object/list/{BUCKET}",
            headers={"Authorization": f"Bearer {settings['SUPABASE_SERVICE_KEY']}"},
            json={"prefix": folder},
        )
        return {found["name"] for found in answer.raise_for_status().json()}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another `python -m dev` command about this stack."""
        return subprocess.run(
            (*DEV, *arguments), env=self.environment, cwd=CHECKOUT, capture_output=True, text=True, check=False
        )

    def operate(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """An operator's command, `python -m api ...`, with this stack's settings."""
        command = (sys.executable, "-m", "api", *arguments)
        environment = self.environment | self.running.settings
        return subprocess.run(command, env=environment, cwd=CHECKOUT, capture_output=True, text=True, check=False)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(30)
