"""What the client does about each way in which a request can fail."""

from decimal import Decimal
from typing import Any

import pytest

from tests.unit.client.scripted import Answer, scripted_server
from tovector import (
    Ask,
    Client,
    ImageRefused,
    Job,
    OptionsRefused,
    OutOfCredits,
    ResultGone,
    ServerUnreachable,
    SignInNeeded,
    TovectorError,
)

JOB: dict[str, Any] = {
    "job_id": "j1", "image_id": "i1", "status": "succeeded", "price": "1.0", "problem": None,
    "result": {"formats": {"svg": {"size": 6, "url": "/v1/jobs/j1/result?format=svg"}}, "report": {}},
}  # fmt: skip
KEY = "tv_only-for-tests"


def client(url: str, patience_seconds: float = 30.0) -> Client:
    return Client(url, KEY, patience_seconds=patience_seconds, pause=lambda _: None)


def refusal(status: int, slug: str, **more: object) -> Answer:
    return Answer(status, {"slug": slug, "title": "No", "detail": "That is not possible", "request_id": "r1", **more})


@pytest.mark.parametrize(
    "trouble",
    [
        Answer(0),
        Answer(429, headers={"Retry-After": "1"}),
        Answer(502, b"<h1>Bad gateway</h1>"),
        Answer(503, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        Answer(504, headers={"Retry-After": "soon"}),
        Answer(409, headers={"Retry-After": "1"}),
    ],
    ids=lambda answer: str(answer.status),
)
def test_trouble_that_may_pass_is_met_with_the_same_request_again(trouble: Answer) -> None:
    with scripted_server(trouble, trouble, Answer(202, JOB)) as server, client(server.url) as ours:
        assert "j1" == ours.submit("i1", Ask(), key="k.1").job_id
    assert ["POST /v1/images/i1/vectorizations"] * 3 == server.paths()
    assert {"k.1"} == {headers["Idempotency-Key"] for _, _, headers in server.asked}


def test_the_server_says_how_long_to_wait_and_is_obeyed() -> None:
    pauses: list[float] = []
    script = (Answer(503, headers={"Retry-After": "7"}), Answer(503), Answer(200, JOB))
    with scripted_server(*script) as server, Client(server.url, KEY, pause=pauses.append) as ours:
        ours.job("j1")
    assert [7, 0] == [int(pause) for pause in pauses]


def test_patience_ends_with_a_sentence() -> None:
    busy = refusal(503, "overloaded")
    too_busy = pytest.raises(ServerUnreachable, match=r"too busy: That is not possible\. .*again later")
    with scripted_server(busy) as server, client(server.url, patience_seconds=0) as ours, too_busy:
        ours.job("j1")
    with (
        client("http://127.0.0.1:9", patience_seconds=0) as ours,
        pytest.raises(ServerUnreachable, match="does not answer"),
    ):
        ours.account()


@pytest.mark.parametrize(
    ("answer", "kind", "exit_code", "sentence"),
    [
        (refusal(401, "unauthenticated"), SignInNeeded, 3, "tovector login"),
        (refusal(402, "insufficient-credits"), OutOfCredits, 4, "Buy credits"),
        (refusal(415, "unsupported-media-type"), ImageRefused, 1, "PNG or JPEG"),
        (
            refusal(422, "options-invalid", errors=[{"pointer": "/options/x", "detail": "no"}]),
            OptionsRefused,
            2,
            "/x: no",
        ),
        (refusal(500, "internal-error"), ImageRefused, 1, "request id r1"),
        (Answer(500, {}), ImageRefused, 1, "answered 500 and did not say why"),
        (Answer(200, b"<h1>Welcome to the wireless network</h1>"), ServerUnreachable, 5, "is the address right"),
        (Answer(200, b"[]", {"Content-Type": "application/json"}), ServerUnreachable, 5, "is the address right"),
        (Answer(404, b"<h1>Not found</h1>"), ServerUnreachable, 5, "is the address right"),
        (Answer(301, b"", {"Location": "https://elsewhere.example/"}), ServerUnreachable, 5, "use that address"),
    ],
)
def test_a_refusal_is_a_sentence_with_what_to_do_next(
    answer: Answer, kind: type[TovectorError], exit_code: int, sentence: str
) -> None:
    with scripted_server(answer) as server, client(server.url) as ours, pytest.raises(TovectorError) as caught:
        ours.job("j1")
    assert (kind, exit_code) == (type(caught.value), caught.value.exit_code)
    assert sentence in str(caught.value)
    assert KEY not in str(caught.value)


def test_an_upload_that_is_broken_off_again_and_again_is_given_up_for_this_image_alone() -> None:
    broken_off = pytest.raises(ImageRefused, match="is the file too large")
    with scripted_server(*[Answer(0)] * 5) as server, client(server.url) as ours, broken_off:
        ours.upload(b"png", "\udcff.png", key="k.1")
    image = Answer(201, {"image_id": "i1", "status": "ready"})
    with scripted_server(*[Answer(0)] * 4, image) as server, client(server.url) as ours:
        assert "i1" == ours.upload(b"png", "\udcff.png", key="k.1").image_id


def test_a_server_that_does_not_wait_is_not_asked_without_end() -> None:
    pauses: list[float] = []
    queued = Answer(200, JOB | {"status": "queued", "result": None})
    with (
        scripted_server(queued, queued, Answer(200, JOB)) as server,
        Client(server.url, KEY, pause=pauses.append) as ours,
    ):
        assert "succeeded" == ours.finished(ours.job("j1")).status
    assert ["GET /v1/jobs/j1?wait=0", *["GET /v1/jobs/j1?wait=10"] * 2] == server.paths()
    assert 0.3 < pauses[0] <= 0.5


def test_a_drawing_is_fetched_whole_and_the_storage_never_sees_the_key() -> None:
    with scripted_server(Answer(503), Answer(200, b"<sv"), Answer(200, b"<svg/>")) as storage:
        link = Answer(302, b"", {"Location": f"{storage.url}/signed"})
        with scripted_server(link, link, link) as server, client(server.url) as ours:
            assert b"<svg/>" == ours.download(Job.of(JOB), "svg")
    assert ["GET /signed"] * 3 == storage.paths()
    assert not any("Authorization" in headers for _, _, headers in storage.asked)
    assert {f"Bearer {KEY}"} == {headers["Authorization"] for _, _, headers in server.asked}


def test_a_drawing_that_never_comes_whole_is_not_taken() -> None:
    with scripted_server(Answer(200, b"<sv")) as storage:
        link = Answer(302, b"", {"Location": f"{storage.url}/signed"})
        cut_off = pytest.raises(ServerUnreachable, match="did not give the drawing")
        with scripted_server(link) as server, client(server.url, patience_seconds=0) as ours, cut_off:
            ours.download(Job.of(JOB), "svg")


def test_a_drawing_that_is_kept_no_longer_says_that_it_was_paid_for() -> None:
    expired, said = refusal(410, "result-expired"), pytest.raises(ResultGone, match=r"paid for.*--again")
    with scripted_server(expired) as server, client(server.url) as ours, said:
        ours.download(Job.of(JOB), "svg")


def test_the_account_tells_the_balance_and_the_price() -> None:
    me, wallet = Answer(200, {"user_id": "u1", "email": None}), {"available": "4.8", "prices": {"vectorization": "1"}}
    with scripted_server(me, Answer(200, wallet)) as server, client(f"{server.url}/") as ours:
        account = ours.account()
    assert ("u1", Decimal("4.8"), Decimal(1)) == (account.who, account.available, account.price)


def test_the_same_order_has_the_same_body_and_key_however_it_was_typed() -> None:
    one, other = Ask({"preset": "logo", "colors": 8}), Ask({"colors": 8, "preset": "logo"})
    assert one.settings == other.settings
    assert one.key("a", "x.png") == other.key("a", "x.png")
    different = {one.key("a", "x.png"), one.key("b", "x.png"), one.key("a", "y.png"), Ask().key("a", "x.png")}
    assert 4 == len(different | {Ask(formats=("pdf",)).key("a", "x.png")}) - 1
