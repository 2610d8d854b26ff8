"""No secret and no mail address in a log line, whoever writes it and wherever it stands."""

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.logging_setup import without_secrets

SECRETS = {
    "an API key": "tv_9aK3LmPq7Rst1vWx",
    "a session token": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1c2VyIn0.c2lnbmF0dXJl",
    "a Stripe key": "sk_live_51HxYzAbCdEfGh",
    "a signing secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "a mail address": "alice.o+test@mail.example.com",
    "a password in an address": "s3cr3t-pass",
    "a signed link's token": "link-token-0123456789",
    "a grant of a result": "Wr8f6" * 14 + "A",
}
SENTENCES = {
    "an API key": "key {} is unknown",
    "a session token": "Authorization: Bearer {}",
    "a Stripe key": "Invalid API Key provided: {}",
    "a signing secret": "secret={}",
    "a mail address": 'duplicate key: (lower(email))=({}) "already exists"',
    "a password in an address": "could not connect to postgresql://tovector_api:{}@db.example.com:6543/postgres",
    "a signed link's token": "GET https://x.example.com/object/sign/images/a.png?token={}&download=",
    "a grant of a result": f"GET /v1/results/{'0' * 64}/{{}}.svg",
}
PROGRAM = """
import json, logging, sys
from shared.logging_setup import get_logger, setup_logging
setup_logging("DEBUG", process="test")
sentence = json.loads(sys.stdin.read())
log = get_logger("ours")
log.info("an_event", detail=sentence, deep={"list": [sentence, {"inner": sentence}]}, thing=ValueError(sentence))
log.info("an_event", email=sentence, password=sentence, deep={"token": sentence})
logging.getLogger("a.library").warning("it says %s", sentence)
try:
    raise RuntimeError(sentence)
except RuntimeError:
    log.exception("an_event")
    logging.getLogger("a.library").exception("it failed")
"""


def lines(sentence: str) -> list[str]:
    run = subprocess.run(
        (sys.executable, "-c", PROGRAM), input=json.dumps(sentence), capture_output=True, text=True, check=True
    )
    return run.stdout.splitlines()


@pytest.mark.parametrize("kind", SECRETS)
def test_no_line_of_ours_or_of_a_library_tells(kind: str) -> None:
    said = lines(SENTENCES[kind].format(SECRETS[kind]))
    assert 5 == len(said)
    assert [] == [line for line in said if SECRETS[kind] in line]
    assert all(json.loads(line)["process"] == "test" for line in said)


def test_what_is_no_secret_is_left_as_it_was() -> None:
    harmless: dict[str, Any] = {
        "path": "/v1/images/0198c5a4-3b6e-7000-8000-5f7a2b7d9e11/previews",
        "event": "request_answered",
        "milliseconds": 3.2,
        "detail": "The object storage at https://project.example.com:8443/a@2x did not answer (tv_1)",
        "list": [1, None, True, "vectorization"],
    }
    assert harmless == without_secrets(harmless)


@given(before=st.text(max_size=40), after=st.text(max_size=40), kind=st.sampled_from(sorted(SECRETS)))
def test_whatever_stands_around_a_credential_it_is_hidden(before: str, after: str, kind: str) -> None:
    sentence = f"{before} {SENTENCES[kind].format(SECRETS[kind])} {after}"
    assert SECRETS[kind] not in without_secrets(sentence)
