"""Bodies as they arrive: whole, or refused.

An upload is one multipart part, streamed to a temporary file, never more than the cap. Werkzeug's form parser would
take every part to the end before anyone could refuse it, so its decoder is driven by hand: the byte above the cap ends
the reading.
"""

import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import IO

from flask import Request
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData
from werkzeug.wsgi import get_input_stream

from api.house import House
from api.problems import field_problems
from shared.errors import RequestInvalid, UploadTooLarge

FIELD = "file"
_READ_BYTES = 256 * 1024
_MEMORY_BYTES = 512 * 1024
_FORM_BYTES = 64 * 1024  # boundaries, headers and small fields around the file
_MOST_PARTS = 20


def received_body(request: Request) -> bytes:
    """The body of a request, whole. Raises RequestInvalid when its sender broke off before the end.

    A client that dies between its headers and its body leaves what looks like an empty body: taken for one, it would
    ask for what is made by default, and be charged for that.
    """
    try:
        data = request.get_data()
    except OSError:
        raise _cut_off() from None
    if len(data) < (request.content_length or 0):
        raise _cut_off()
    return data


@contextmanager
def received_file(request: Request, house: House) -> Generator[tuple[str | None, bytes]]:
    """The name and bytes of the uploaded file.

    Raises UploadTooLarge before reading anything when the declared length says so, else at the byte above the cap,
    and RequestInvalid when there is no such part. However many uploads arrive, only so many are in memory at once.
    """
    cap = house.settings.upload_max_bytes
    stream = get_input_stream(request.environ)
    with tempfile.SpooledTemporaryFile(max_size=_MEMORY_BYTES) as spool:
        try:
            file_name = _receive(request, stream, spool, cap)
        except UploadTooLarge:
            _let_the_client_finish(stream, cap)
            raise
        with house.upload_slots:
            spool.seek(0)
            yield file_name, spool.read()


def _receive(request: Request, stream: IO[bytes], spool: IO[bytes], cap: int) -> str | None:
    boundary = request.mimetype_params.get("boundary", "")
    if request.mimetype != "multipart/form-data" or not boundary:
        raise _no_file("Send the image as multipart/form-data with one part named `file`.")
    if (request.content_length or 0) > cap + _FORM_BYTES:
        raise _too_large(cap)
    found: File | None = None
    taking, size = False, 0
    for event in _events(stream, boundary, cap):
        if isinstance(event, File | Field):
            taking = found is None and event.name == FIELD and isinstance(event, File)
            found = event if taking and isinstance(event, File) else found
        elif taking and isinstance(event, Data):
            size += len(event.data)
            if size > cap:
                raise _too_large(cap)
            spool.write(event.data)
    if found is None:
        raise _no_file("The form has no file in a part named `file`.")
    return found.filename


def _events(stream: IO[bytes], boundary: str, cap: int) -> Iterator[Event]:
    decoder = MultipartDecoder(boundary.encode("latin-1", "replace"), 2 * _READ_BYTES, max_parts=_MOST_PARTS)
    left = cap + 2 * _FORM_BYTES
    try:
        while True:
            chunk = stream.read(_READ_BYTES)
            left -= len(chunk)
            if left < 0:
                raise _too_large(cap)
            decoder.receive_data(chunk or None)
            while not isinstance(event := decoder.next_event(), NeedData):
                yield event
                if isinstance(event, Epilogue):
                    return
    except OSError:
        raise _cut_off() from None
    except ValueError:
        raise _no_file("The multipart form is cut off or malformed.") from None


def _let_the_client_finish(stream: IO[bytes], cap: int) -> None:
    """Read on for a while, keeping nothing: many clients look at the answer only after the last byte."""
    left = 2 * cap
    while left > 0 and (chunk := stream.read(_READ_BYTES)):
        left -= len(chunk)


def _too_large(cap: int) -> UploadTooLarge:
    return UploadTooLarge(f"The file has more than {cap} bytes, which is the limit.", limit_bytes=cap)


def _cut_off() -> RequestInvalid:
    return RequestInvalid("The request was cut off before the end of its body. Nothing was done; send it again.")


def _no_file(detail: str) -> RequestInvalid:
    return RequestInvalid(detail, **field_problems([(f"/{FIELD}", "a PNG or JPEG is needed here")]))
