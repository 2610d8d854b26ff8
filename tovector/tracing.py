"""`tovector trace`: pictures to drawings on this machine, and what to say about it."""

from collections.abc import Mapping

import click

from tovector.arguments import Target
from tovector.pictures import files_of, in_the_way, place_drawings, shown
from tovector.problems import Exit, TovectorError


def trace_pictures(target: Target, options: Mapping[str, object], *, side_by_side: int, may_overwrite: bool) -> Exit:
    """Trace them, say a line about each, and return the exit code.

    Raises TovectorError for wrong usage, or where the engine is not installed.
    """
    try:
        # Late: the engine takes seconds to load, and who only speaks to a server need not have it.
        from tovector.local import Traced, check_formats, trace_files
    except ModuleNotFoundError as error:
        raise TovectorError(
            f"The engine is not installed here ({error.name} is missing): use `tovector vectorize`."
        ) from None
    check_formats(target.formats)

    def say(traced: Traced) -> None:
        report = traced.report
        if report is None:
            click.echo(f"{shown(traced.path)}: {traced.problem}", err=True)
            return
        figures = f"{report.paths} paths, {report.colors} colors, {report.bytes} bytes"
        click.echo(f"{', '.join(map(shown, traced.files))}: {figures}, similarity {report.similarity:.3f}")
        for warning in report.warnings:
            click.echo(f"  {warning}", err=True)

    if target.place is None:
        places = place_drawings(target.pictures, target.folder, target.formats, {})
    else:
        places = {target.pictures[0].path: target.place}
    works = {path: files_of(place, target.formats) for path, place in places.items()}
    # Who names the drawing's file means that file.
    may_overwrite = may_overwrite or target.place is not None
    there = {path: next((file for file in files if file.exists()), None) for path, files in works.items()}
    kept = {path: file for path, file in there.items() if file is not None and not may_overwrite}
    for path, file in kept.items():
        say(Traced(path, works[path], None, in_the_way(file)))
    left = [(path, files) for path, files in works.items() if path not in kept]
    failed = len(kept)
    for traced in trace_files(left, options, side_by_side=side_by_side):
        say(traced)
        failed += traced.report is None
    return Exit.SOME_FAILED if failed else Exit.DONE
