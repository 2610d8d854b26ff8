"""Whoever has an image has it looked at: the message goes out with the upload, and once more when it changes hands."""

import io
import json
from base64 import b64decode
from collections.abc import Callable

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from shared.messages import AnalyseImage, Queue
from shared.settings import Settings
from tests.integration.api.conftest import Person, png, shown
from tests.integration.workers.running import until

Sent = Callable[[str], list[tuple[Queue, str]]]


@pytest.fixture
def sent(settings: Settings) -> Sent:
    """The messages about an image that wait in Redis, oldest first: (queue, user)."""
    client = redis.Redis.from_url(settings.redis_url.get_secret_value())

    def sent(image_id: str) -> list[tuple[Queue, str]]:
        found: list[tuple[Queue, str]] = []
        for queue in (Queue.RESIZE, Queue.ANALYSIS):
            for letter in reversed(client.lrange(queue.value, 0, -1)):
                fields = json.loads(b64decode(json.loads(letter)["body"]))[1]
                found += [(queue, fields["user_id"])] if fields["image_id"] == image_id else []
        return found

    return sent


def person_of(person: Person) -> str:
    return shown(person.get("/v1/me"))["user_id"]


def test_an_upload_that_is_ready_is_sent_to_be_looked_at_and_a_large_one_to_be_resized(
    alice: Person, sent: Sent
) -> None:
    large = io.BytesIO()
    Image.new("L", (2100, 2100), 200).save(large, "PNG")
    ids = [shown(alice.upload(data))["image_id"] for data in (png(), large.getvalue())]
    until(lambda: all(sent(image_id) for image_id in ids), 5)
    assert [[(AnalyseImage.queue, person_of(alice))], [(Queue.RESIZE, person_of(alice))]] == [sent(one) for one in ids]


def test_an_image_that_changes_hands_is_sent_to_be_looked_at_for_its_new_owner(
    alice: Person, app: Flask, sent: Sent
) -> None:
    guest: FlaskClient = app.test_client()
    guest.post("/v1/guests")
    form = {"file": (io.BytesIO(png()), "logo.png")}
    image_id = shown(guest.post("/v1/images", data=form))["image_id"]
    assert 200 == Person(guest, alice.token).post(f"/v1/images/{image_id}/claim").status_code
    until(lambda: len(sent(image_id)) == 2, 5)
    owners = [user_id for _, user_id in sent(image_id)]
    assert owners[0] != owners[1] == person_of(alice)
