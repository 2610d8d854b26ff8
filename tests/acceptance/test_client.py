"""The command `tovector` as its users type it, against the real stack."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from dev.customer import Body, Customer
from dev.render import mean_color_error
from tests.acceptance.conftest import NewCustomer
from tests.acceptance.stacks import Stack, eventually

MANY = 50


@dataclass(frozen=True, slots=True)
class Terminal:
    """A customer with an API key, at a prompt in a folder of their own."""

    customer: Customer
    folder: Path
    environment: dict[str, str] = field(repr=False)

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            (sys.executable, "-m", "tovector", *arguments),
            cwd=self.folder,
            env=self.environment | more,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **more: str) -> tuple[int, str, str]:
        process = self.start(*arguments, **more)
        said, complained = process.communicate(timeout=60)
        return process.returncode, said, complained

    def ledger(self, entry: str) -> int:
        """How many entries of this kind the customer's ledger has."""
        return sum(found["entry"] == entry for found in self._all("/v1/credits/transactions"))

    def _all(self, path: str) -> Iterator[Body]:
        page: Body = {"next_cursor": ""}
        while page["next_cursor"] is not None:
            cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}
            page = self.customer.http.get(path, params={"limit": 100, **cursor}).raise_for_status().json()
            yield from page["data"]


NewTerminal = Callable[..., Terminal]


@pytest.fixture
def new_terminal(house: Stack, new_customer: NewCustomer, tmp_path: Path) -> NewTerminal:
    """Opens a terminal for a new customer who is signed in by the environment."""

    def open_terminal(who: str, credits: str) -> Terminal:
        customer = new_customer(who, credits)
        answer = customer.http.post("/v1/me/api-keys", json={"name": "command line"})
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TOVECTOR_")}
        environment |= {
            "TOVECTOR_URL": house.url,
            "TOVECTOR_API_KEY": answer.json()["secret"],
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
        }
        environment["PYTHONPATH"] = str(Path(__file__).parents[2])
        return Terminal(customer, tmp_path, environment)

    return open_terminal


def draw_pictures(folder: Path, count: int) -> None:
    """Small pictures, no two alike."""
    folder.mkdir()
    for number in range(count):
        picture = Image.new("RGB", (48, 32), "white")
        ImageDraw.Draw(picture).ellipse((4, 4, 20 + number % 24, 28), fill=(200, number * 5 % 256, 60))
        ImageDraw.Draw(picture).rectangle((30, 4, 44, 6 + number // 2), fill=(20, 60, 180))
        picture.save(folder / f"picture-{number:02}.png")


def drawings(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.svg"))


def rows(manifest: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(manifest.read_text("utf-8"))))


def test_a_folder_becomes_drawings_though_the_api_dies_and_each_is_charged_once(
    house: Stack, new_terminal: NewTerminal
) -> None:
    terminal = new_terminal("folder@example.com", "60")
    draw_pictures(terminal.folder / "logos", MANY)
    out, command = terminal.folder / "out", ("vectorize", "logos", "-o", "out", "--preset", "logo")

    assert (
        0,
        f"{MANY} to make for 50.0 credits at most, 0 done already; you have 60.0 credits. Nothing was done.\n",
    ) == (terminal.run(*command, "--dry-run")[:2])
    assert not out.exists()

    run = terminal.start(*command)
    assert eventually(lambda: len(drawings(out)) >= 5 or run.poll() is not None)
    house.kill("api")
    assert len(drawings(out)) < MANY
    said, complained = run.communicate(timeout=60)
    assert (0, f"{MANY} done, 0 failed, 0 left; 50.0 credits spent, 10.0 left.") == (
        run.returncode, said.splitlines()[0],
    ), complained  # fmt: skip
    assert [f"picture-{number:02}.svg" for number in range(MANY)] == [path.name for path in drawings(out)]
    assert mean_color_error(drawings(out)[7].read_bytes(), terminal.folder / "logos" / "picture-07.png") < 12
    assert {("done", "1.0")} == {(row["status"], row["credits"]) for row in rows(out / "tovector.csv")}
    assert (MANY, MANY, 0) == tuple(map(terminal.ledger, ("reserve", "capture", "release")))

    code, said, _ = terminal.run(*command, "--json")
    again = json.loads(said)
    assert (0, MANY, MANY, "0") == (code, again["done"], again["skipped"], again["credits_spent"])
    (out / "tovector.csv").unlink()
    for path in drawings(out)[:3]:
        path.unlink()
    code, said, _ = terminal.run(*command, "--overwrite", "--json")
    assert (0, MANY, 0) == (code, json.loads(said)["done"], json.loads(said)["skipped"])
    assert (MANY, Decimal(10)) == (terminal.ledger("capture"), terminal.customer.available())


def test_a_run_that_was_broken_off_goes_on_and_charges_nothing_twice(new_terminal: NewTerminal) -> None:
    terminal = new_terminal("broken-off@example.com", "20")
    draw_pictures(terminal.folder / "logos", 12)
    logos = terminal.folder / "logos"
    command = ("vectorize", "logos", "--jobs", "2")
    for number, some in ((signal.SIGINT, 2), (signal.SIGKILL, 5)):
        run = terminal.start(*command)
        assert eventually(lambda some=some, run=run: len(drawings(logos)) >= some or run.poll() is not None)
        run.send_signal(number)
        _, complained = run.communicate(timeout=10)
        assert (130 if number is signal.SIGINT else -number) == run.returncode
        assert (number is signal.SIGINT) is ("run the same command again" in complained)
        assert 12 == len(rows(logos / "tovector.csv"))
    assert len(drawings(logos)) < 12
    ended, _, complained = terminal.run(*command)
    assert 0 == ended, complained
    assert (12, 12, 12) == (len(drawings(logos)), terminal.ledger("reserve"), terminal.ledger("capture"))
    assert [] == list(logos.glob(".tovector*"))


def test_what_has_changed_is_made_anew_and_twins_share_one_drawing(new_terminal: NewTerminal) -> None:
    terminal = new_terminal("changes@example.com", "20")
    logos = terminal.folder / "logos"
    draw_pictures(logos, 3)
    (logos / "twin.png").write_bytes((logos / "picture-00.png").read_bytes())
    assert 0 == terminal.run("vectorize", "logos")[0]
    assert (4, 3) == (len(drawings(logos)), terminal.ledger("capture"))
    assert drawings(logos)[0].read_bytes() == drawings(logos)[3].read_bytes()

    before = drawings(logos)[1].read_bytes()
    (logos / "picture-01.png").write_bytes((logos / "picture-02.png").read_bytes())
    Image.new("RGB", (30, 30), "red").save(logos / "picture-02.png")
    assert 0 == terminal.run("vectorize", "logos")[0]
    assert 4 == terminal.ledger("capture")
    assert before != drawings(logos)[1].read_bytes()

    assert 0 == terminal.run("vectorize", "logos/picture-01.png", "-o", "one.svg", "--again")[0]
    assert 5 == terminal.ledger("capture")
    assert drawings(logos)[1].read_bytes() == (terminal.folder / "one.svg").read_bytes()


def test_each_failure_says_what_to_do_and_has_its_exit_code(new_terminal: NewTerminal) -> None:
    terminal = new_terminal("failures@example.com", "1")
    logos = terminal.folder / "logos"
    draw_pictures(logos, 3)
    (logos / "text.png").write_text("not a picture")

    code, said, complained = terminal.run("vectorize", "logos", "--option", "colors=many")
    assert (2, "/options/colors") == (code, "/options/colors" if "/options/colors" in complained else complained)
    (logos / "huge.png").write_bytes((logos / "picture-00.png").read_bytes() + bytes(90_000_000))
    code, _, complained = terminal.run("vectorize", "logos/huge.png", "-o", "huge.svg")
    assert (1, True) == (code, "Make the file smaller" in complained), complained
    (logos / "huge.png").unlink()
    code, said, complained = terminal.run("vectorize", "logos/text.png", "-o", "text.svg")
    assert (1, True) == (code, "Convert it to PNG or JPEG" in complained), complained
    code, said, complained = terminal.run("vectorize", "logos", "--jobs", "1", "--json")
    result = json.loads(said)
    assert (4, 4, 1, "1.0") == (code, result["exit_code"], result["done"], result["credits_spent"])
    assert (0, 3) == (result["failed"], result["left"])
    assert "Buy credits" in complained
    assert 4 == terminal.run("vectorize", "logos", "--dry-run")[0]
    code, _, complained = terminal.run("vectorize", "logos", TOVECTOR_API_KEY="tv_wrong")
    assert (3, True, False) == (code, "tovector login" in complained, "tv_wrong" in complained)
    code, _, complained = terminal.run("vectorize", "logos", "--patience", "0", TOVECTOR_URL="http://127.0.0.1:9")
    assert (5, True) == (code, "does not answer" in complained)
    assert 2 == terminal.run("vectorize", "nowhere")[0]
    assert 1 == terminal.ledger("capture")


def test_a_key_is_checked_and_kept_for_its_owner_alone(house: Stack, new_terminal: NewTerminal) -> None:
    terminal = new_terminal("login@example.com", "5")
    key = terminal.environment.pop("TOVECTOR_API_KEY")
    kept = terminal.folder / "config" / "tovector" / "credentials.json"

    def login(text: str) -> subprocess.CompletedProcess[str]:
        command = (sys.executable, "-m", "tovector", "login")
        return subprocess.run(
            command, env=terminal.environment, input=text, capture_output=True, text=True, timeout=30, check=False
        )

    assert (3, False) == (login("tv_wrong\n").returncode, kept.exists())
    assert 3 == login("\n").returncode
    done = login(f"{key}\n")
    assert (0, f"Signed in to {house.url} as login@example.com, with 5.0 credits.") == (
        done.returncode, done.stdout.splitlines()[0],
    )  # fmt: skip
    assert (0o600, 0o700) == (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777)
    assert key not in done.stdout + done.stderr
    assert (0, f"login@example.com at {house.url}: 5.0 credits; a drawing costs 1.0.\n") == terminal.run("account")[:2]
    code, _, complained = terminal.run("account", TOVECTOR_URL="http://127.0.0.1:9")
    assert (3, True) == (code, "no API key for http://127.0.0.1:9" in complained)
    assert 0 == terminal.run("logout")[0]
    assert 2 == terminal.run("account", TOVECTOR_URL="")[0]


def test_two_runs_at_once_pay_once(new_terminal: NewTerminal) -> None:
    terminal = new_terminal("two-at-once@example.com", "20")
    draw_pictures(terminal.folder / "logos", 6)
    runs = [terminal.start("vectorize", "logos", "-o", name) for name in ("one", "other")]
    said = [run.communicate(timeout=60) for run in runs]
    assert [0, 0] == [run.returncode for run in runs], said
    assert (6, 6) == (len(drawings(terminal.folder / "one")), len(drawings(terminal.folder / "other")))
    assert (6, 6) == (terminal.ledger("reserve"), terminal.ledger("capture"))
