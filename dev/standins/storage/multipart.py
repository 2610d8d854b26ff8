"""Reads an upload as it arrives, multipart or raw, without holding the file in memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import Message

from dev.standins.storage.problems import invalid_request
from dev.standins.web import Request

DEFAULT_MIME_TYPE = "application/octet-stream"
LARGEST_FIELD_BYTES = 1024 * 1024


@dataclass(slots=True)
class UploadForm:
    """What accompanies the bytes of an upload."""

    mime_type: str = DEFAULT_MIME_TYPE
    fields: dict[str, str] = field(default_factory=dict[str, str])


def read_upload(request: Request, keep: Callable[[UploadForm, Iterator[bytes]], None]) -> UploadForm:
    """Hand the file's bytes to `keep` once its type is known; the rest of the request is read and forgotten."""
    content_type = request.headers.get("content-type", "")
    if not content_type.lower().startswith("multipart/form-data"):
        form = UploadForm(content_type or DEFAULT_MIME_TYPE)
        form.fields["cacheControl"] = request.headers.get("cache-control", "")
        keep(form, iter(request.body))
        return form
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_param("boundary")
    if not isinstance(boundary, str):
        raise invalid_request("Multipart: Boundary not found")
    return _read_parts(_Parts(iter(request.body), boundary.encode("latin-1")), keep)


def _read_parts(parts: "_Parts", keep: Callable[[UploadForm, Iterator[bytes]], None]) -> UploadForm:
    form = UploadForm()
    file_seen = False
    while (head := parts.next_head()) is not None:
        name = head.get_param("name", "", "content-disposition")
        if head.get_filename() is None and "content-type" not in head:
            form.fields[str(name)] = b"".join(parts.content())[:LARGEST_FIELD_BYTES].decode("utf-8", "replace")
        elif not file_seen:
            file_seen = True
            form.mime_type = head.get("content-type", DEFAULT_MIME_TYPE)
            keep(form, parts.content())
    if not file_seen:
        raise invalid_request("Multipart: no file in the request")
    return form


class _Parts:
    """The parts of a multipart body, one after the other."""

    def __init__(self, pieces: Iterator[bytes], boundary: bytes) -> None:
        self._pieces = pieces
        self._delimiter = b"\r\n--" + boundary
        # The first delimiter has no line break before it: lend it one, so that all look the same.
        self._buffer = b"\r\n"
        self._in_part = True

    def _more(self) -> None:
        piece = next(self._pieces, None)
        if piece is None:
            raise invalid_request("Multipart: Unexpected end of form")
        self._buffer += piece

    def next_head(self) -> Message | None:
        """Move to the next part and return its headers, or None after the last one."""
        for _ in self.content():
            pass
        while len(self._buffer) < 2:
            self._more()
        if self._buffer.startswith(b"--"):
            return None
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > LARGEST_FIELD_BYTES:
                raise invalid_request("Multipart: part header too large")
            self._more()
        head = Message()
        for line in self._buffer[2:end].decode("utf-8", "replace").split("\r\n"):
            name, _, value = line.partition(":")
            head[name.strip().lower()] = value.strip()
        self._buffer = self._buffer[end + 4 :]
        self._in_part = True
        return head

    def content(self) -> Iterator[bytes]:
        """Yield what is left of the present part."""
        while self._in_part:
            found = self._buffer.find(self._delimiter)
            if found >= 0:
                content, self._buffer = self._buffer[:found], self._buffer[found + len(self._delimiter) :]
                self._in_part = False
            else:
                # The end of the buffer may be the beginning of a delimiter.
                safe = max(0, len(self._buffer) - len(self._delimiter))
                content, self._buffer = self._buffer[:safe], self._buffer[safe:]
            if content:
                yield content
            if self._in_part:
                self._more()
