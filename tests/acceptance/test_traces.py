"""From a customer's request to its job's last line: spans, log lines, Flower and Sentry, of the running stack."""

import contextlib
import json
from collections.abc import Generator, Iterator
from typing import Any, NamedTuple

import httpx
import psycopg
import pytest

from dev.customer import Body, Customer
from tests.acceptance.pictures import drawing
from tests.acceptance.receivers import Reports
from tests.acceptance.stacks import Stack, eventually

WHO = "alice.doe@example.com"
FILE_NAME = "passport of Alice Doe.png"
Lines = list[dict[str, Any]]
Tree = tuple[str, str, list[Any]]
# Errors as Postgres words them: a person's address and a whole row within.
REFUSAL = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
        RAISE EXCEPTION 'refused for %: %', (SELECT email FROM public.users WHERE user_id = NEW.user_id), NEW;
    END $$;
    CREATE TRIGGER refuse_one BEFORE INSERT ON images FOR EACH ROW WHEN (NEW.file_name = 'refused Doe.png')
        EXECUTE FUNCTION refuse();
    CREATE TRIGGER refuse_one BEFORE INSERT ON files FOR EACH ROW WHEN (NEW.format = 'eps') EXECUTE FUNCTION refuse()
"""


class Made(NamedTuple):
    """One job, the requests that led to it, and what must not be told of its customer."""

    job: Body
    request_id: str
    image: Body
    upload_request_id: str
    personal: list[str]


@pytest.fixture(scope="module")
def alice(house: Stack) -> Iterator[Customer]:
    with Customer(house.url, house.run("token", WHO, "--credits", "9").stdout.strip()) as alice:
        yield alice


@pytest.fixture(scope="module")
def made(alice: Customer, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A vectorization of a picture that had to be resized first."""
    path = tmp_path_factory.mktemp("private") / FILE_NAME
    path.write_bytes(drawing(2600, 1800))
    with path.open("rb") as content:
        uploaded = alice.http.post("/v1/images", files={"file": (FILE_NAME, content)})
    image = uploaded.json()
    assert eventually(lambda: alice.http.get(f"/v1/images/{image['image_id']}").json()["status"] == "ready")
    answer = alice.http.post(f"/v1/images/{image['image_id']}/vectorizations", json={"formats": ["svg"]})
    job = alice.finish(answer.json())
    assert "succeeded" == job["status"]
    ids = answer.headers["X-Request-Id"], image, uploaded.headers["X-Request-Id"]
    token = alice.http.headers["Authorization"].removeprefix("Bearer ")
    user_id = alice.http.get("/v1/me").json()["user_id"]
    return Made(job, *ids, [WHO, "alice.doe", FILE_NAME, "Doe", token, user_id])


def spans_of(house: Stack) -> Lines:
    """Every span kept so far, each with the service that kept it."""
    lines = [json.loads(line) for line in (house.home.folder / "spans.jsonl").read_text("utf-8").splitlines()]
    return [
        span | {"service": attributes(resource["resource"])["service.name"]}
        for line in lines
        for resource in line["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def attributes(held: dict[str, Any]) -> dict[str, Any]:
    return {one["key"]: next(iter(one["value"].values())) for one in held.get("attributes", [])}


def trace_of(house: Stack, request_id: str, attempts: int) -> Lines:
    """Every span of the trace that this request began, once both the api and the worker have told of theirs."""
    found: Lines = []

    def is_whole() -> bool:
        spans = spans_of(house)
        ids = {span["traceId"] for span in spans if attributes(span).get("request_id") == request_id}
        found[:] = sorted(
            (span for span in spans if span["traceId"] in ids), key=lambda span: int(span["startTimeUnixNano"])
        )
        parents, known = {span.get("parentSpanId", "") for span in found}, {span["spanId"] for span in found}
        told = sum(span["name"].startswith("attempt ") for span in found)
        return (len(ids), attempts, {""}) == (1, told, parents - known)

    assert eventually(is_whole, 10), found
    return found


def tree(spans: Lines, parent: str = "") -> list[Tree]:
    """Who calls whom: (service, name, parts), in the order in which they began."""
    return [
        (span["service"].removeprefix("tovector-"), span["name"], tree(spans, span["spanId"]))
        for span in spans
        if span.get("parentSpanId", "") == parent
    ]


def test_one_trace_leads_from_the_request_through_the_queue_and_the_worker_to_the_storage(
    house: Stack, made: Made
) -> None:
    spans = trace_of(house, made.request_id, attempts=1)
    attempt = [
        ("worker", "claim", []),
        ("worker", "fetch", [("worker", "storage get", [])]),
        ("worker", "trace", []),
        ("worker", "write", []),
        ("worker", "put", [("worker", "storage put", [])]),
        ("worker", "settle", []),
    ]
    ((_, request, parts),) = tree(spans)
    assert "POST /v1/images/{image_id}/vectorizations" == request
    assert [
        ("api", "send vectorize", []),
        ("worker", "attempt vectorization", attempt),
        ("worker", "queue", []),
    ] == sorted(parts)
    known = {span["name"]: attributes(span) for span in spans}
    assert made.job["job_id"] == known["send vectorize"]["job_id"] == known["attempt vectorization"]["job_id"]
    assert ("202", "succeeded") == (
        known[request]["http.response.status_code"],
        known["attempt vectorization"]["outcome"],
    )


def test_each_part_lies_within_what_it_is_part_of(house: Stack, made: Made) -> None:
    spans = trace_of(house, made.request_id, attempts=1)
    (attempt,) = [span for span in spans if span["name"] == "attempt vectorization"]
    begun, ended = int(attempt["startTimeUnixNano"]), int(attempt["endTimeUnixNano"])
    for part in spans:
        if part.get("parentSpanId") == attempt["spanId"]:
            assert begun <= int(part["startTimeUnixNano"]) <= int(part["endTimeUnixNano"]) <= ended, part["name"]
    (queue,) = [span for span in spans if span["name"] == "queue"]
    assert begun == int(queue["endTimeUnixNano"])


def test_an_upload_leads_to_its_resize_and_that_to_a_look_at_it(house: Stack, made: Made) -> None:
    ((_, request, parts),) = tree(trace_of(house, made.upload_request_id, attempts=2))
    assert "POST /v1/images" == request
    assert {("api", "storage put"), ("worker", "attempt resize")} == {(who, name) for who, name, _ in parts}
    (resized,) = [steps for _, name, steps in parts if name == "attempt resize"]
    assert 1 == sum(name == "attempt analysis" for _, name, _ in resized)


def test_spans_say_nothing_personal_and_no_secret(house: Stack, made: Made) -> None:
    trace_of(house, made.request_id, attempts=1)
    text = (house.home.folder / "spans.jsonl").read_text("utf-8")
    secrets = [value for name, value in house.running.settings.items() if "KEY" in name or "SECRET" in name]
    assert [] == [word for word in [*made.personal, *secrets, WHO] if word in text]
    words = {
        *("http.request.method", "http.route", "http.response.status_code", "request_id", "job_id", "image_id"),
        *("task_id", "attempt", "format", "outcome"),
    }
    assert set() == {key for span in spans_of(house) for key in attributes(span)} - words
    assert all(" " not in span.get("status", {}).get("message", "") for span in spans_of(house))


def lines_of(house: Stack, process: str) -> Lines:
    text = (house.home.log / f"{process}.log").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_each_line_of_a_worker_about_a_job_leads_to_its_request_and_its_task(house: Stack, made: Made) -> None:
    job_id, image_id = made.job["job_id"], made.image["image_id"]
    of_job = [line for line in lines_of(house, "worker-vectorize") if line.get("job_id") == job_id]
    of_image = [line for line in lines_of(house, "worker-resize") if line.get("image_id") == image_id]
    assert ["attempt_over"] == [line["event"] for line in of_job]
    assert ["attempt_over"] * 2 == [line["event"] for line in of_image]  # resized, then looked at
    assert made.request_id == of_job[0]["request_id"]
    assert {made.upload_request_id} == {line["request_id"] for line in of_image}
    assert all(line["task_id"] for line in of_job + of_image)
    (answered,) = [line for line in lines_of(house, "api") if line.get("request_id") == made.request_id]
    assert ("request_answered", job_id) == (answered["event"], answered["job_id"])


def test_flower_shows_each_job_by_its_id_and_nothing_of_its_customer(house: Stack, made: Made, alice: Customer) -> None:
    user, _, password = house.running.settings["FLOWER_BASIC_AUTH"].partition(":")
    tasks = f"http://127.0.0.1:{house.ports()['flower']}/api/tasks"
    assert 401 == httpx.get(tasks).status_code

    def shown(job_id: str) -> dict[str, Any]:
        answer = httpx.get(tasks, auth=(user, password), params={"taskname": "workers.vectorize.run_vectorization"})
        (mine,) = [task for task in answer.json().values() if job_id in (task["kwargs"] or "")] or [{}]
        return mine

    def more() -> Iterator[str]:
        """Celery promises no event to arrive; of several jobs one is shown to its end."""
        yield made.job["job_id"]
        for _ in range(3):
            yield alice.finish(alice.submit(made.image["image_id"], "vectorizations"))["job_id"]

    def is_shown(job_id: str) -> bool:
        return eventually(lambda: shown(job_id).get("state") == "SUCCESS", 5)

    job_id = next(filter(is_shown, more()), None)
    assert job_id is not None, shown(made.job["job_id"])
    (line,) = [line for line in lines_of(house, "worker-vectorize") if line.get("job_id") == job_id]
    assert (line["task_id"], f"{{'job_id': '{job_id}'}}", "()", "'succeeded'") == tuple(
        shown(job_id)[name] for name in ("uuid", "kwargs", "args", "result")
    )
    everything = httpx.get(tasks, auth=(user, password)).text
    assert [] == [word for word in made.personal if word in everything]


@contextlib.contextmanager
def refusing(house: Stack) -> Generator[None]:
    """Something in the database goes wrong that nobody foresaw."""
    with psycopg.connect(house.running.superuser_url, autocommit=True) as db:
        db.execute(REFUSAL)
        try:
            yield
        finally:
            db.execute("DROP FUNCTION refuse CASCADE")


def test_what_nobody_foresaw_is_reported_by_api_and_worker_and_tells_of_nobody(
    house: Stack, reports: Reports, made: Made, alice: Customer
) -> None:
    def about(tag: str, value: str) -> list[dict[str, Any]]:
        return [event for event in reports.events() if event.get("tags", {}).get(tag) == value]

    with refusing(house):
        answer = alice.http.post("/v1/images", files={"file": ("refused Doe.png", drawing())})
        assert 500 == answer.status_code
        path = f"/v1/images/{made.image['image_id']}/vectorizations"
        submitted = alice.http.post(path, json={"formats": ["eps"]})
        job = submitted.json()
        assert eventually(lambda: about("request_id", answer.headers["X-Request-Id"]))
        assert eventually(lambda: about("job_id", job["job_id"]))
    assert alice.finish(job)["status"] in {"succeeded", "failed"}

    (of_api,) = about("request_id", answer.headers["X-Request-Id"])
    of_worker = about("job_id", job["job_id"])[0]
    assert ("tovector-api", "request_crashed") == (of_api["server_name"], of_api["transaction"])
    assert ("tovector-worker", "attempt_unsettled") == (of_worker["server_name"], of_worker["transaction"])
    assert submitted.headers["X-Request-Id"] == of_worker["tags"]["request_id"]
    for event in (of_api, of_worker):
        raised = event["exception"]["values"][-1]
        assert ("RaiseException", "") == (raised["type"], raised["value"])
        assert "psycopg" in raised["stacktrace"]["frames"][-1]["module"]
    told = "\n".join(reports.envelopes)
    secrets = [value for name, value in house.running.settings.items() if "KEY" in name or "SECRET" in name]
    assert [] == [word for word in [*made.personal, *secrets] if word in told]
