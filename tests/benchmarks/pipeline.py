"""The whole way of a job, from the HTTP submit to the stored result, against the bare engine; where its time goes."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

from tests.benchmarks.bench import Bench, Person
from tests.benchmarks.images import as_png, engine_seconds, sample_of, width_for
from tests.benchmarks.pairs import in_turns
from tests.benchmarks.pool import bare_pool, traces_a_second
from tests.benchmarks.table import Report, Row, Target, at_least, markdown, row

SHORT_SECONDS = 0.05
LONG_SECONDS = 0.25
SHORT_JOBS = 40
LONG_JOBS = 14
STAGES = ("fetch", "trace", "put", "settle")


@dataclass(frozen=True, slots=True)
class Load:
    """Pictures of one kind, uploaded, and as bytes."""

    image_ids: Sequence[str]
    pictures: Sequence[bytes]
    engine_seconds: float


def pipeline(bench: Bench) -> Report:
    """Jobs a second, with pictures of about 50 ms of engine time and with such of 250 ms and more."""
    with bare_pool() as pool:

        def measured(seconds: float, count: int, target: Target) -> Row:
            load = uploaded(bench, bench.person, seconds, count)
            pairs = in_turns(
                lambda: jobs_a_second(bench.person, load), lambda: traces_a_second(pool, load.pictures), bench.pairs
            )
            name = f"pipeline jobs ÷ bare engine pool, {load.engine_seconds * 1000:.0f} ms of engine time"
            return row(name, pairs, "/s", target)

        return Report(
            [measured(SHORT_SECONDS, SHORT_JOBS, at_least(0.9)), measured(LONG_SECONDS, LONG_JOBS, at_least(0.97))]
        )


def uploaded(bench: Bench, person: Person, seconds: float, count: int) -> Load:
    """Pictures that take the engine so long, uploaded by a customer."""
    image: Image.Image = sample_of(width_for(seconds))
    pictures = [as_png(image, number) for number in range(count)]
    ids = [person.upload(f"{number}.png", data, bench.folder) for number, data in enumerate(pictures)]
    return Load(ids, pictures, engine_seconds(pictures[0]))


def jobs_a_second(person: Person, load: Load) -> float:
    """Submit a job for each picture, one after another, and wait until the last result is stored."""
    forget_drawings(person)
    started = time.perf_counter()
    ended = run(person, load.image_ids)
    seconds = time.perf_counter() - started
    assert {"succeeded"} == {job["status"] for job in ended}, ended
    return len(ended) / seconds


def run(person: Person, image_ids: Sequence[str]) -> list[dict[str, Any]]:
    """The jobs as they ended."""
    with person.line() as line:
        jobs = [line.post(f"/v1/images/{image_id}/vectorizations").json()["job_id"] for image_id in image_ids]
        return [until_ended(lambda job=job: line.get(f"/v1/jobs/{job}?wait=20").json()) for job in jobs]


def until_ended(ask: Any) -> dict[str, Any]:
    deadline = time.monotonic() + 120
    while (job := ask())["status"] in {"queued", "running"} and time.monotonic() < deadline:
        pass
    return job


def forget_drawings(person: Person) -> None:
    """A drawing is kept and used again; the engine is to draw each anew here."""
    with psycopg.connect(person.stack.running.superuser_url, autocommit=True) as db:
        db.execute("UPDATE files SET cache_key = NULL WHERE cache_key IS NOT NULL")


def stages(bench: Bench) -> Report:
    """Where the time of one job goes, when it is alone."""
    load = uploaded(bench, bench.person, SHORT_SECONDS, 10 if bench.quick else 40)
    before = stage_sums(bench)
    forget_drawings(bench.person)
    lives = [_life(bench, image_id) for image_id in load.image_ids]
    after = stage_sums(bench)
    worker = {stage: (after[stage] - before.get(stage, 0.0)) / len(lives) for stage in STAGES}
    submit, queue, work, told, whole = (statistics.mean(times) for times in zip(*lives, strict=True))
    claim = work - worker["fetch"] - worker["trace"] - worker["put"]
    parts = {
        "submit": submit,
        "queue": queue,
        "claim": claim,
        **worker,
        "tell": told - worker["settle"],
        "whole": whole,
    }
    lines = [(name, f"{seconds * 1000:.1f}", f"{seconds / whole:.0%}") for name, seconds in parts.items()]
    return Report(notes=["Where the time of one job goes (means of jobs that were alone):\n\n"
                         + markdown(("part", "ms", "of the whole"), lines)])  # fmt: skip


def _life(bench: Bench, image_id: str) -> tuple[float, float, float, float, float]:
    """Seconds of one job: submit, in the queue, from the claim to the settlement, until told, and all of it."""
    with bench.person.line() as line:
        started = time.time()
        submitted = line.post(f"/v1/images/{image_id}/vectorizations").json()
        accepted = time.time()
        job = until_ended(lambda: line.get(f"/v1/jobs/{submitted['job_id']}?wait=20").json())
        ended = time.time()
    with psycopg.connect(bench.stack.running.superuser_url) as db:
        row = db.execute("SELECT started_at, finished_at FROM jobs WHERE job_id = %s", [job["job_id"]]).fetchone()
    assert row is not None
    claimed_at, settled_at = (moment.timestamp() for moment in row)
    return accepted - started, claimed_at - accepted, settled_at - claimed_at, ended - settled_at, ended - started


def stage_sums(bench: Bench) -> dict[str, float]:
    """Seconds that workers have spent in each stage of vectorizations so far."""
    with bench.person.line() as line:
        text = line.get("/metrics").body.decode()
    return {
        sample.labels["stage"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "tovector_job_stage_seconds_sum" and sample.labels["kind"] == "vectorization"
    }
