"""Whole workers that look at images: what is sent is looked at, and what is lost or killed comes by the sweep."""

from collections.abc import Iterator

import pytest
from PIL import Image as Picture

from dev.children import Children
from dev.valkey import Valkey
from shared.messages import AnalyseImage, Queue
from shared.settings import Settings
from shared.suggestions import ContentClass
from tests.integration.workers.given import Given, logo, png
from tests.integration.workers.looking import attempts, content, let_its_time_come, told
from tests.integration.workers.running import start_beat, start_worker, until


@pytest.fixture
def processes(tmp_path_factory: pytest.TempPathFactory, given: Given, valkey: Valkey) -> Iterator[Children]:
    """What one test starts, it ends."""
    with Children(tmp_path_factory.mktemp("processes")) as children:
        yield children
    valkey.empty()
    given.cancel_open_jobs()


def test_running_workers_look_at_each_image_once_it_is_ready(
    processes: Children, settings: Settings, given: Given
) -> None:
    start_worker(processes, settings, Queue.RESIZE, Queue.ANALYSIS)
    user_id = given.account()
    small = given.image(user_id, logo(300))
    large = given.image(user_id, logo(400), working_max_pixels=40_000)
    pixels = given.image(
        user_id, png(Picture.effect_noise((12, 12), 90).quantize(4).convert("RGB").resize((240, 240), 0))
    )
    photo = given.image(user_id, png(Picture.effect_noise((300, 200), 90)))
    given.resources.publisher.publish(given.resize_message(large))
    for image in (small, pixels, photo):
        given.resources.publisher.publish(AnalyseImage(image_id=image.image_id, user_id=user_id))
    until(lambda: not any(told(given, image).is_pending for image in (small, large, pixels, photo)))
    assert [ContentClass.LOGO, ContentClass.LOGO, ContentClass.PIXEL_ART, ContentClass.PHOTO] == [
        content(given, image) for image in (small, large, pixels, photo)
    ]


def test_a_look_whose_message_was_lost_or_whose_worker_was_killed_comes_by_the_sweep(
    processes: Children, settings: Settings, given: Given
) -> None:
    hasty = settings.model_copy(
        update={
            "engine_wall_seconds": 20.0, "task_limit_seconds": 21.0, "lease_seconds": 22.0,
            "recovery_interval_seconds": 0.5,
        }
    )  # fmt: skip
    first = start_worker(processes, hasty, Queue.ANALYSIS)
    user_id = given.account()
    before = given.image(user_id, logo())
    given.resources.publisher.publish(AnalyseImage(image_id=before.image_id, user_id=user_id))
    until(lambda: content(given, before) is ContentClass.LOGO)
    first.freeze_engine()
    killed, lost = given.image(user_id, logo()), given.image(user_id, logo())
    given.resources.publisher.publish(AnalyseImage(image_id=killed.image_id, user_id=user_id))
    until(lambda: (1,) == attempts(given, killed))
    first.kill()
    for image in (killed, lost):  # the lease, or the wait for a message that never comes
        let_its_time_come(given, image)
    start_worker(processes, hasty, Queue.ANALYSIS, Queue.MAINTENANCE, name="second")
    start_beat(processes, hasty)
    until(lambda: not (told(given, killed).is_pending or told(given, lost).is_pending), 40)
    assert [ContentClass.LOGO] * 2 == [content(given, killed), content(given, lost)]
    assert (2,) == attempts(given, killed)
