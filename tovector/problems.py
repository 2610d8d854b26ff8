"""What can go wrong for who uses the client: a sentence for people, an exit code for scripts.

Each says what to do next. `slug` is the server's name of the problem (docs/reference/problems.md), if it has one.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, ClassVar


class Exit(IntEnum):
    """How the command ends. Scripts may rely on these numbers."""

    DONE = 0
    SOME_FAILED = 1
    USAGE = 2
    SIGN_IN = 3
    NO_CREDITS = 4
    UNREACHABLE = 5
    INTERRUPTED = 130


class TovectorError(Exception):
    """Anything that ended a request or an image. `ends_the_run`: the next image would fare no better."""

    exit_code: ClassVar[Exit] = Exit.SOME_FAILED
    ends_the_run: ClassVar[bool] = False

    def __init__(self, sentence: str, *, slug: str = "", status: int = 0) -> None:
        super().__init__(sentence)
        self.slug = slug
        self.status = status


class ImageRefused(TovectorError):
    """This image cannot be vectorized, or not now; others can."""


class ResultGone(ImageRefused):
    """The drawing was made and paid for, and its files are no longer kept."""


class OptionsRefused(TovectorError):
    """An option or a format that the server does not take, whatever the image."""

    exit_code = Exit.USAGE
    ends_the_run = True


class SignInNeeded(TovectorError):
    """No API key, or one that does not work."""

    exit_code = Exit.SIGN_IN
    ends_the_run = True


class OutOfCredits(TovectorError):
    """The balance does not cover the next image."""

    exit_code = Exit.NO_CREDITS
    ends_the_run = True


class ServerUnreachable(TovectorError):
    """Nobody answered, or the server was too busy, for as long as we are patient."""

    exit_code = Exit.UNREACHABLE
    ends_the_run = True


_KINDS: Mapping[int, type[TovectorError]] = {401: SignInNeeded, 402: OutOfCredits, 403: SignInNeeded}
_OF_THE_ORDER = frozenset({"options-invalid", "request-invalid", "idempotency-key-reused"})
_NEXT: Mapping[str, str] = {
    "unauthenticated": "Make an API key and run `tovector login`.",
    "insufficient-credits": "Buy credits, then run the same command again: it goes on where it stopped.",
    "upload-too-large": "Make the file smaller and try again.",
    "too-many-pixels": "Scale the image down and try again.",
    "unsupported-media-type": "Convert it to PNG or JPEG and try again.",
    "animated-image": "Save one frame of it as a PNG and try again.",
    "image-undecodable": "Export it anew from where it came from.",
    "too-complex": "Try fewer colors or less detail, or a smaller image.",
    "attempts-exhausted": "It cost nothing; run the same command again later.",
    "internal-error": "Run the same command again later; if it stays, quote the request id.",
}


def problem_of(status: int, body: Mapping[str, Any]) -> TovectorError:
    """The problem that an answer tells, as a sentence with what to do next.

    `body` is that of RFC 9457 as the server sends it, or the `problem` of a job (then `status` is 0).
    """
    slug = str(body.get("slug") or "")
    kind = OptionsRefused if slug in _OF_THE_ORDER else _KINDS.get(status, ImageRefused)
    return kind(" ".join(_sentences(slug, status, body)), slug=slug, status=status)


def _sentences(slug: str, status: int, body: Mapping[str, Any]) -> list[str]:
    said = str(body.get("detail") or body.get("title") or f"The server answered {status} and did not say why.")
    sentences = [_closed(said)]
    sentences += [_closed(f"{wrong.get('pointer')}: {wrong.get('detail')}") for wrong in body.get("errors") or []]
    if slug in _NEXT:
        sentences.append(_NEXT[slug])
    if status >= 500 and body.get("request_id"):
        sentences.append(f"(request id {body['request_id']})")
    return sentences


def _closed(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."
