"""Ids, messages, problems, names and log lines."""

import io
import json
import logging
import pickle
from contextlib import redirect_stdout
from uuid import UUID

import pytest
import structlog

from shared.api_keys import hash_secret, new_secret
from shared.errors import InsufficientCredits, LeaseLost, TransientError
from shared.ids import new_id, parse_id
from shared.logging_setup import get_logger, problem_fields, setup_logging
from shared.messages import ALL, BY_TASK, RunPreview
from shared.rasters import ImageHeader
from shared.uploads import plan


def test_ids_are_ordered_in_time_and_random_enough() -> None:
    ids = [new_id() for _ in range(1_000)]
    assert sorted(ids) == ids
    assert {7} == {id_.version for id_ in ids}
    assert 1_000 == len({id_.int & (1 << 62) - 1 for id_ in ids})


@pytest.mark.parametrize("text", ["", "12", "not-a-uuid", "0" * 33, "../../etc"])
def test_what_is_no_id_is_unknown(text: str) -> None:
    assert parse_id(text) is None


def test_an_id_survives_its_spelling() -> None:
    id_ = new_id()
    assert id_ == parse_id(str(id_))


def test_a_message_is_json_and_only_ids() -> None:
    message = RunPreview(job_id=new_id(), user_id=new_id())
    fields = json.loads(json.dumps(message.fields()))
    assert {"job_id": str(message.job_id), "user_id": str(message.user_id)} == fields


def test_every_message_has_a_task_of_its_own() -> None:
    assert len(ALL) == len(BY_TASK)


def test_a_problem_survives_the_way_between_processes() -> None:
    problem = InsufficientCredits("buy some", required="1.0", available="0.2")
    copy = pickle.loads(pickle.dumps(problem))
    assert (InsufficientCredits, "buy some", dict(problem.extra)) == (type(copy), copy.detail, dict(copy.extra))


def test_a_problem_without_a_detail_says_its_title() -> None:
    assert LeaseLost.title == LeaseLost().detail
    assert not isinstance(LeaseLost(), TransientError)


def test_an_api_key_is_recognizable_and_never_the_same() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert 100 == len(secrets)
    assert all(secret.startswith("tv_") and len(secret) == 46 for secret in secrets)
    assert 32 == len(hash_secret("tv_x"))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("logo.png", "logo.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\Logo final.PNG", "Logo final.PNG"),
        ("a\x00b\n\u202ec.png", "abc.png"),
        ("", "image.png"),
        (None, "image.png"),
        ("/", "image.png"),
        ("ü" * 300 + ".png", "ü" * 196 + ".png"),
    ],
)
def test_a_file_name_is_made_harmless(given: str | None, kept: str) -> None:
    header = ImageHeader("png", 1, 1, has_alpha=False, bits=8, channels=3, animated=False, orientation=1)
    assert kept == plan(user_id=UUID(int=1), file_name=given, data=b"", header=header).file_name


def test_a_log_line_is_json_with_ids_and_without_secrets() -> None:
    before = logging.getLogger().handlers, logging.getLogger().level
    out = io.StringIO()
    try:
        with redirect_stdout(out), structlog.contextvars.bound_contextvars(job_id="j1"):
            setup_logging("INFO", process="test")
            get_logger("tests").warning("job_failed", email="alice@example.com", **problem_fields(LeaseLost("late")))
            logging.getLogger("a.library").error("plain %s", "words")
            logging.getLogger("a.library").debug("too quiet")
    finally:
        logging.getLogger().handlers, level = before
        logging.getLogger().setLevel(level)
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()
    ours, theirs = (json.loads(line) for line in out.getvalue().splitlines())
    expected = {"event": "job_failed", "job_id": "j1", "email": "[hidden]", "slug": "lease-lost", "level": "warning"}
    assert expected == {key: ours[key] for key in expected}
    assert "plain words" == theirs["event"]
