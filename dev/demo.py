"""The demo: a signed-in customer uploads the samples, looks at previews and buys vectorizations, all by HTTP."""

import shutil
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import httpx

from dev.children import StackRefused
from dev.customer import Customer
from dev.home import CHECKOUT, Home, Running
from dev.people import open_account, set_credits, sign_in
from dev.render import mean_color_error

SAMPLES = CHECKOUT / "samples"
OUTPUT = CHECKOUT / "demo-output"
WHO = "demo@example.com"
CREDITS = "10"


@dataclass(frozen=True, slots=True)
class Row:
    """What one job of the demo gave."""

    image: str
    job: str
    seconds: float
    credits: Decimal
    size: int
    paths: int | None
    path: Path


def run_demo(home: Home) -> None:
    """Run the main job on every sample and print what came of it."""
    started_at = time.monotonic()
    samples = sorted(path for path in SAMPLES.iterdir() if path.suffix in {".png", ".jpg"})
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir()
    with _stack(home) as running, _sign_in(home, running) as customer:
        try:
            before = customer.available()
            rows = [row for sample in samples for row in _vectorize(customer, sample)]
            _print_table(rows)
            _print_credits(before, customer)
        except httpx.HTTPError as error:
            raise StackRefused(f"the API did not answer: {error!r}; the logs are in {home.log}") from error
    _print_errors(samples)
    print(f"\ndemo done in {time.monotonic() - started_at:.1f} s; the files are in {OUTPUT.name}/")


@contextmanager
def _stack(home: Home) -> Generator[Running]:
    """The running stack, or one of our own that stops afterwards."""
    if (running := home.running()) is not None:
        yield running
        return
    command = [sys.executable, "-m", "dev", "up", "--with-parent"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT) as process:
        try:
            assert process.stdout is not None
            if not process.stdout.readline().startswith("ready:") or (running := home.running()) is None:
                raise StackRefused("the stack did not start; the lines above say why")
            yield running
        finally:
            process.terminate()
            process.wait()


def _sign_in(home: Home, running: Running) -> Customer:
    session = sign_in(home, WHO, admin=False)
    set_credits(running, open_account(running, session, WHO), CREDITS)
    return Customer(running.url, session)


def _vectorize(customer: Customer, sample: Path) -> list[Row]:
    image = customer.upload(sample)
    return [
        _run(customer, sample, image["image_id"], "previews", OUTPUT / f"{sample.stem}-preview"),
        _run(customer, sample, image["image_id"], "vectorizations", OUTPUT / sample.stem),
    ]


def _run(customer: Customer, sample: Path, image_id: str, kind: str, target: Path) -> Row:
    started_at = time.monotonic()
    job = customer.finish(customer.submit(image_id, kind))
    if job["status"] != "succeeded":
        raise StackRefused(f"{sample.name}: the {job['kind']} {job['status']}: {job['problem']}")
    (kind_of_file,) = job["result"]["formats"]
    path = target.with_suffix(f".{kind_of_file}")
    path.write_bytes(customer.download(job, kind_of_file))
    return Row(
        image=sample.name,
        job=job["kind"],
        seconds=time.monotonic() - started_at,
        credits=Decimal(job["price"]),
        size=path.stat().st_size,
        paths=job["result"]["report"].get("paths"),
        path=path,
    )


def _print_table(rows: list[Row]) -> None:
    print(f"\n{'image':22} {'job':14} {'seconds':>7} {'credits':>7} {'bytes':>8} {'paths':>6}  file")
    for row in rows:
        file = row.path.relative_to(CHECKOUT)
        counts = f"{row.size:8} {row.paths if row.paths is not None else '':>6}"
        print(f"{row.image:22} {row.job:14} {row.seconds:7.2f} {row.credits:7} {counts}  {file}")


def _print_credits(before: Decimal, customer: Customer) -> None:
    print(f"\ncredits: {before} before, {customer.available()} after; the ledger, newest first:")
    for entry in customer.transactions()[:6]:
        print("  " + "  ".join(str(entry[name]) for name in entry if name.endswith(("type", "entry", "delta"))))


def _print_errors(samples: list[Path]) -> None:
    print("\nmean colour error of each drawing against its sample (of 255; rendered by ThorVG, not by us):")
    for sample in samples:
        svg = OUTPUT / f"{sample.stem}.svg"
        print(f"  {svg.name:22} {mean_color_error(svg.read_bytes(), sample):6.2f}")
