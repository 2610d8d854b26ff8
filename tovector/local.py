"""`tovector trace`: the engine on this machine, without a server, an account or credits.

The one module that knows the house, and of the house the engine alone.
"""

import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from pydantic import ValidationError

from tovector.pictures import shown
from tovector.problems import OptionsRefused, TovectorError
from tovector.saving import save
from workers.engine import WRITERS, Format, Report, TraceOptions, trace, write_format

FORMATS: Mapping[str, Format] = {f".{name}": name for name in WRITERS}
MOST_BYTES = 200_000_000


@dataclass(frozen=True, slots=True)
class Traced:
    """What became of one picture: the report of the drawing in `files`, or why there is none."""

    path: Path
    files: Sequence[Path]
    report: Report | None
    problem: str


def checked_options(options: Mapping[str, object]) -> TraceOptions:
    """The options as the engine has them. Raises OptionsRefused, naming what is wrong."""
    try:
        return TraceOptions.model_validate(options)
    except ValidationError as error:
        wrong = [
            f"{'.'.join(map(str, found['loc'])) or 'options'}: {found['msg'].removeprefix('Value error, ')}"
            for found in error.errors()
        ]
        if any(found["type"] == "extra_forbidden" for found in error.errors()):
            wrong.append(f"the options are {', '.join(sorted(TraceOptions.model_fields))}")
        raise OptionsRefused(f"{'; '.join(wrong)}.") from None


def check_formats(formats: Sequence[str]) -> None:
    """Raise OptionsRefused for a format that the engine does not write."""
    if unknown := [name for name in formats if f".{name}" not in FORMATS]:
        raise OptionsRefused(f"{unknown[0]} is no format of a drawing: say {', '.join(WRITERS)}.")


def trace_file(path: Path, files: Sequence[Path], options: TraceOptions) -> Traced:
    """Trace one picture and write its drawing to each file, in the format that the file's ending names."""
    # What the engine raises is a problem of the house, told by its detail: no class of the server's is known here.
    try:
        traced = trace(path.read_bytes(), options)
        for file in files:
            save(file, write_format(traced.svg, FORMATS[file.suffix], options, most_bytes=MOST_BYTES))
    except OSError as error:
        return Traced(path, files, None, f"{shown(error.filename or path)}: {error.strerror}.")
    except Exception as error:
        return Traced(path, files, None, str(error) or type(error).__name__)
    return Traced(path, files, traced.report, "")


def _leave_ctrl_c() -> None:
    """Ctrl-C is the main process's business: it lets us finish our picture and starts no other."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def trace_files(
    pictures: Sequence[tuple[Path, Sequence[Path]]], options: Mapping[str, object], *, side_by_side: int
) -> Iterator[Traced]:
    """Trace pictures (path, and the files of its drawing), several side by side; yields each as it ends.

    Raises OptionsRefused for a wrong option, and TovectorError when a picture killed the engine's process.
    """
    chosen = checked_options(options)
    if len(pictures) == 1 or side_by_side == 1:
        yield from (trace_file(path, files, chosen) for path, files in pictures)
        return
    with ProcessPoolExecutor(
        min(side_by_side, len(pictures)), mp_context=get_context("spawn"), initializer=_leave_ctrl_c
    ) as pool:
        futures = [pool.submit(trace_file, path, files, chosen) for path, files in pictures]
        try:
            yield from (future.result() for future in as_completed(futures))
        except BrokenProcessPool:
            raise TovectorError("A picture ended the engine's process. Trace them one by one: --jobs 1.") from None
        finally:
            pool.shutdown(cancel_futures=True)
