"""`tovector vectorize`: from what was typed to drawings, with a progress bar and a last word."""

import json
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from tovector.arguments import Target, find_target
from tovector.asking import Ask
from tovector.client import Client
from tovector.credentials import Access
from tovector.manifest import FILE_NAME, Manifest, Row, Status, held
from tovector.pictures import place_drawings, shown
from tovector.problems import Exit, ServerUnreachable, TovectorError
from tovector.running import Outcome, Plan, Run, plan
from tovector.things import Account

FIRST_CONTACT_SECONDS = 10.0
MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class Wish:
    """What was typed."""

    sources: tuple[Path, ...]
    output: Path | None
    options: Mapping[str, object]
    formats: tuple[str, ...]
    manifest: Path | None
    side_by_side: int
    patience_seconds: float
    is_recursive: bool
    is_again: bool
    may_overwrite: bool
    is_dry_run: bool
    as_json: bool


def vectorize_pictures(wish: Wish, access: Access) -> Exit:
    """Do it, say what came of it, and return the exit code. Raises TovectorError before anything is done."""
    target = find_target(wish.sources, wish.output, wish.formats, is_recursive=wish.is_recursive)
    ask = Ask(wish.options, target.formats)
    with _manifest(wish, target) as manifest:
        planned = _planned(wish, target, manifest, ask)
        if wish.is_dry_run:
            return _say_price(wish, planned, _account(access, wish))
        if planned.work:
            _account(access, wish)  # a wrong address or key is told before the first image
        outcome = _run(wish, access, ask, manifest, planned)
        return _say_outcome(wish, manifest, outcome, _left(access, wish, outcome))


@contextmanager
def _manifest(wish: Wish, target: Target) -> Generator[Manifest]:
    path = wish.manifest or _usual_manifest(wish, target)
    if path is None:
        yield Manifest(Path(FILE_NAME), is_kept=False)
    elif wish.is_dry_run:
        yield Manifest(path)
    else:
        with held(path) as manifest:
            yield manifest


def _usual_manifest(wish: Wish, target: Target) -> Path | None:
    """One file alone needs none; else it lies with the drawings, or in the first folder named."""
    folder = next((source for source in wish.sources if source.is_dir()), None)
    if folder is None and len(target.pictures) == 1:
        return None
    return (target.folder or folder or Path()) / FILE_NAME


def _planned(wish: Wish, target: Target, manifest: Manifest, ask: Ask) -> Plan:
    ours = manifest.drawings()
    pictures = [picture for picture in target.pictures if picture.path.resolve() not in ours]
    if target.place is None:
        known = manifest.places(ask.settings)
        places = place_drawings(pictures, target.folder, ask.formats, known)
    else:
        places = {picture.path: target.place for picture in pictures}
    # Who names the drawing's file means that file.
    may_overwrite = wish.may_overwrite or target.place is not None or not manifest.is_kept
    return plan(pictures, places, manifest, ask, is_again=wish.is_again, may_overwrite=may_overwrite)


def _account(access: Access, wish: Wish) -> Account:
    patience = min(FIRST_CONTACT_SECONDS, wish.patience_seconds)
    with Client(access.url, access.api_key, patience_seconds=patience) as client:
        return client.account()


def _left(access: Access, wish: Wish, outcome: Outcome) -> Account | None:
    """The account after the run, when there is somebody to ask."""
    if outcome.is_interrupted or isinstance(outcome.ended_by, ServerUnreachable) or not outcome.spent:
        return None
    try:
        return _account(access, wish)
    except TovectorError:
        return None


def _run(wish: Wish, access: Access, ask: Ask, manifest: Manifest, planned: Plan) -> Outcome:
    total = sum(map(len, planned.work))
    bar = click.progressbar(length=total, label="vectorizing", file=sys.stderr, show_pos=True, hidden=total < 2)

    def tell(rows: Sequence[Row]) -> None:
        bar.update(len(rows))

    with bar:
        run = Run(manifest, ask, tell)
        with Client(access.url, access.api_key, patience_seconds=wish.patience_seconds, pause=run.pause) as client:
            return run.go(client, planned, side_by_side=wish.side_by_side)


def _say_price(wish: Wish, planned: Plan, account: Account) -> Exit:
    images = planned.to_pay()
    price = account.price * images
    is_covered = price <= account.available
    if wish.as_json:
        figures = {"images": images, "skipped": len(planned.done), "price": str(price)}
        click.echo(json.dumps(figures | {"available": str(account.available), "is_covered": is_covered}))
    else:
        click.echo(
            f"{images} to make for {price} credits at most, {len(planned.done)} done already;"
            f" you have {account.available} credits. Nothing was done."
        )
        for row in planned.failed:
            click.echo(f"  {shown(row.path)}: {row.problem}", err=True)
    return Exit.DONE if is_covered else Exit.NO_CREDITS


def _say_outcome(wish: Wish, manifest: Manifest, outcome: Outcome, account: Account | None) -> Exit:
    done, failed = outcome.count(Status.DONE), outcome.count(Status.FAILED)
    left = len(outcome.rows) - done - failed
    if wish.as_json:
        figures = {
            "exit_code": int(outcome.exit_code), "done": done, "skipped": outcome.skipped, "failed": failed,
            "left": left, "credits_spent": str(outcome.spent),
            "credits_left": None if account is None else str(account.available),
            "manifest": shown(manifest.path) if manifest.is_kept else None,
            "images": [_figures(row) for _, row in sorted(outcome.rows.items())],
        }  # fmt: skip
        click.echo(json.dumps(figures))
    else:
        _say_problems(outcome)
        before = f" ({outcome.skipped} before)" if outcome.skipped else ""
        spent = f"{outcome.spent} credits spent" + ("" if account is None else f", {account.available} left")
        click.echo(f"{done} done{before}, {failed} failed, {left} left; {spent}.")
        if manifest.is_kept:
            click.echo(f"Manifest: {shown(manifest.path)}")
    if outcome.is_interrupted:
        click.echo("Interrupted: run the same command again, and it goes on from here.", err=True)
    elif outcome.ended_by is not None:
        click.echo(f"Error: {outcome.ended_by}", err=True)
    return outcome.exit_code


def _figures(row: Row) -> dict[str, object]:
    figures: dict[str, object] = {
        name: str(value) if name == "credits" else value for name, value in asdict(row).items()
    }
    return figures | {"path": shown(row.path), "output": shown(row.output), "settings": json.loads(row.settings)}


def _say_problems(outcome: Outcome) -> None:
    """The problem of each image, unless it is the one that ended the run and is told last."""
    last = str(outcome.ended_by)
    failed = [row for row in outcome.rows.values() if row.status is Status.FAILED and row.problem != last]
    for row in failed[:MOST_TOLD]:
        click.echo(f"{shown(row.path)}: {row.problem}", err=True)
    if len(failed) > MOST_TOLD:
        click.echo(f"... and {len(failed) - MOST_TOLD} more, in the manifest.", err=True)
