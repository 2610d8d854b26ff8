"""Hostile pictures beside good ones: what an attacker uploads must cost the attacker, and nobody else."""

import io
import struct
import time
import zlib
from collections.abc import Mapping

import psutil
from PIL import Image

from tests.acceptance.pictures import bomb, drawing, noise
from tests.torture.faults import Scene, fault
from tests.torture.house import TRACERS

GOOD = 20
POISON_SIDE = 2_048
WORKER_BYTES = 1_500_000_000
"""Well below what one poison picture takes without limits, for a worker, its nursery and all its children."""


@fault(
    "poison image and memory bomb beside good jobs",
    "The poison ends within its budget, drawn or too-complex; the bomb is refused, every good job succeeds.",
)
def poison(scene: Scene) -> None:
    attacker, good = scene.customer(), scene.customer()
    answer = attacker.http.post("/v1/images", files={"file": ("bomb.png", bomb())})
    scene.expect((answer.status_code, answer.json()["slug"]) == (413, "too-many-pixels"), f"the bomb: {answer.text}")
    image = attacker.upload(noise(POISON_SIDE))
    begun = time.monotonic()
    poisoned = [attacker.submit(image, options={"detail": 100, "colors": 64}) for _ in range(2)]
    asks = [good.submit(good.images[0], options={"detail": number}) for number in range(GOOD)]
    most = 0
    while (
        any(ask.status not in {"succeeded", "failed"} for ask in (*poisoned, *asks)) and time.monotonic() < begun + 120
    ):
        most = max(most, *(_memory(scene, name) for name in TRACERS))
        for customer, ask in ((attacker, poisoned[0]), (attacker, poisoned[1]), *((good, ask) for ask in asks[-3:])):
            customer.follow(ask, 1)
        for ask in asks[:-3]:
            good.follow(ask, 0)
    scene.notes.append(f"all ended after {time.monotonic() - begun:.1f} s; a worker's family took {most / 1e6:.0f} MB")
    slugs = {ask.slug for ask in poisoned if ask.status == "failed"}
    scene.expect(slugs <= {"too-complex"}, f"the poison failed with {slugs}")
    scene.notes.append(f"the poison: {[ask.status for ask in poisoned]} {slugs}")
    scene.expect(all(ask.status == "succeeded" for ask in asks), f"good jobs: {[ask.status for ask in asks]}")
    scene.expect(most < WORKER_BYTES, f"a worker's family took {most} bytes")


def _memory(scene: Scene, name: str) -> int:
    total = 0
    for process in scene.house.family(name):
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


@fault(
    "bombs, polyglots, truncated files, SVG in a PNG's name",
    "Each is refused with a clear problem, changes nothing and costs nothing; the workers never see it.",
    short=1,
)
def bad_files(scene: Scene) -> None:
    customer = scene.customer("5")
    before = scene.house.rows("SELECT count(*) FROM images")
    for name, (data, expected) in _bad_files().items():
        answer = customer.http.post("/v1/images", files={"file": (f"{name}.png", data)})
        told = (answer.status_code, answer.json().get("slug"))
        scene.expect(told in expected, f"{name} was answered by {told}, expected one of {expected}")
    scene.expect(before == scene.house.rows("SELECT count(*) FROM images"), "a refused file made an image")
    good = customer.submit(customer.images[0])
    scene.expect(customer.finish(good) == "succeeded", f"the good job after them is {good.status}")


def _bad_files() -> Mapping[str, tuple[bytes, set[tuple[int, str]]]]:
    png, unsupported, undecodable = drawing(), (415, "unsupported-media-type"), (422, "image-undecodable")
    jpeg = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(jpeg, "JPEG")
    script = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    animated = io.BytesIO()
    Image.new("RGB", (32, 32)).save(
        animated, "PNG", save_all=True, append_images=[Image.new("RGB", (32, 32), "red")], duration=100
    )
    header = struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 6, 0, 0, 0)
    huge = (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + b"IHDR"
        + header
        + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    )
    return {
        "bomb": (bomb(), {(413, "too-many-pixels")}),
        "huge": (huge, {(413, "too-many-pixels"), undecodable}),
        "truncated": (png[: len(png) // 2], {undecodable}),
        "truncated-jpeg": (jpeg.getvalue()[:-200], {undecodable}),
        "corrupt": (png[:60] + b"\0\0\0\0" + png[64:], {undecodable}),
        "svg": (script, {unsupported}),
        "gif-polyglot": (b"GIF89a/*" + png, {unsupported}),
        "html-polyglot": (b"<!DOCTYPE html><script>alert(1)</script>" + png, {unsupported}),
        "animated": (animated.getvalue(), {(415, "animated-image")}),
        "empty": (b"", {unsupported, undecodable, (422, "request-invalid"), (400, "request-invalid")}),
        "text": (b"no picture at all " * 100, {unsupported}),
    }
