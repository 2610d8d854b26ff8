"""Uploads made to do harm: broken, cut, mislabelled, lying about themselves. The answer is a problem, never a 5xx."""

import io
import struct
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.integration.api.conftest import Person, png, slug_of

BOUNDARY = b"a-boundary"
EXAMPLES = 120
fuzz = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def jpeg() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (48, 32), "#d05030").save(file, "JPEG")
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def lying_png(width: int, height: int, depth: int = 8, color: int = 6) -> bytes:
    """A PNG whose header says what we like, with next to no pixels behind it."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")


CORPUS = {
    "nothing": b"",
    "a bomb of dimensions": lying_png(2**31 - 1, 2**31 - 1),
    "no width": lying_png(0, 10),
    "a color type that is none": lying_png(10, 10, color=5),
    "a PNG that ends early": png()[:40],
    "a signature and nothing else": b"\x89PNG\r\n\x1a\n",
    "a JPEG that ends early": jpeg()[:60],
    "a JPEG of markers": b"\xff\xd8" + b"\xff\xe1\xff\xff" * 2_000,
    "a program": b"\x7fELF" + bytes(500),
    "a page": b"<html><script>alert(1)</script></html>",
    "a drawing that asks for a file": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "entities within entities": b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><svg>&b;</svg>',
    "an archive": b"PK\x03\x04" + bytes(200),
    "a GIF": b"GIF89a\x01\x00\x01\x00\x00\x00\x00;",
    "two files in one": png() + b"PK\x03\x04<script>",
}


@pytest.mark.parametrize("name", CORPUS)
def test_no_odd_file_is_an_error_of_ours(alice: Person, name: str) -> None:
    answer = alice.upload(CORPUS[name])
    assert answer.status_code in {201, 400, 413, 415, 422}, answer.text
    if answer.status_code != 201:
        slug_of(answer)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good picture with some bytes changed, taken out or put in."""
    data = bytearray(draw(st.sampled_from([png(), jpeg(), png(64, 1)])))
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, len(data)))
        what = draw(st.binary(max_size=8))
        data[place : place + draw(st.integers(0, 12))] = what
    return bytes(data)


@fuzz
@given(data=damaged())
def test_no_damage_to_a_picture_is_an_error_of_ours(alice: Person, data: bytes) -> None:
    answer = alice.upload(data)
    assert answer.status_code < 500, (answer.text, data)
    assert answer.status_code == 201 or slug_of(answer)


def forms() -> st.SearchStrategy[bytes]:
    """Bodies that look like forms, more or less."""
    pieces = st.sampled_from([
        b"--" + BOUNDARY, b"--" + BOUNDARY + b"--", b"\r\n", b"\n", b"\r\n\r\n", b"--", b"\0", png(),
        b'Content-Disposition: form-data; name="file"; filename="a.png"', b'Content-Disposition: form-data; name="x"',
        b"Content-Disposition: form-data; name*=utf-8''f%00; filename=../../etc/passwd", b"Content-Type: image/png",
        b"Content-Transfer-Encoding: base64", b"X: " + b"y" * 5_000, b"\xe2\x80\x8b\xe2\x80\xae",
    ])  # fmt: skip
    return st.lists(st.one_of(pieces, st.binary(max_size=20)), max_size=20).map(b"".join)


@fuzz
@given(body=forms(), kind=st.sampled_from([f"multipart/form-data; boundary={BOUNDARY.decode()}", "image/png", ""]))
def test_no_form_is_an_error_of_ours(alice: Person, body: bytes, kind: str) -> None:
    answer = alice.ask("POST", "/v1/images", data=body, headers={"Content-Type": kind})
    assert answer.status_code < 500, (answer.text, body)
    assert answer.status_code == 201 or slug_of(answer)


@fuzz
@given(name=st.text(max_size=300))
def test_no_file_name_is_an_error_of_ours(alice: Person, name: str) -> None:
    answer = alice.upload(png(), name)
    assert answer.status_code in {201, 400, 422}, (answer.text, name)
