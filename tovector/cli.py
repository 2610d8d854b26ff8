"""The commands: `tovector login`, `logout`, `account`, `vectorize` and `trace`."""

import sys
from pathlib import Path

import click

from tovector import credentials
from tovector.arguments import drawing_options, find_target, read_options
from tovector.client import Client
from tovector.credentials import Access
from tovector.pictures import shown
from tovector.problems import Exit, TovectorError
from tovector.vectorizing import Wish, vectorize_pictures

FIRST_CONTACT_SECONDS = 10.0


class _Commands(click.Group):
    def invoke(self, ctx: click.Context) -> object:
        """Say what went wrong in a sentence, and end with its exit code."""
        try:
            return super().invoke(ctx)
        except TovectorError as problem:
            click.echo(f"Error: {problem}", err=True)
            sys.exit(problem.exit_code)
        except KeyboardInterrupt:
            click.echo("\nInterrupted.", err=True)
            sys.exit(Exit.INTERRUPTED)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tovector")
def main() -> None:
    """Turn PNG and JPEG images into vector drawings.

    \b
    Exit codes: 0 all done, 1 some images failed, 2 wrong usage, 3 sign-in needed,
    4 out of credits, 5 server unreachable, 130 interrupted.
    """


_url = click.option("--url", metavar="URL", help="The server; TOVECTOR_URL or the one of the last login by default.")


@main.command()
@_url
def login(url: str | None) -> None:
    """Check an API key and keep it. It is asked for, or read from standard input."""
    address = credentials.find_url(url)
    if credentials.is_open_to_listeners(address):
        click.echo(f"Warning: {address} is not encrypted; whoever listens can take the key.", err=True)
    key = click.prompt("API key", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()
    access = Access(address, credentials.checked_key(key))
    with Client(access.url, access.api_key, patience_seconds=FIRST_CONTACT_SECONDS) as client:
        account = client.account()
    path = credentials.keep_access(access)
    click.echo(f"Signed in to {address} as {account.who}, with {account.available} credits.")
    click.echo(f"The key is kept in {shown(path)}, readable by you alone.")


@main.command()
@_url
def logout(url: str | None) -> None:
    """Forget the kept API keys. They still work: end them in your account."""
    gone = credentials.forget_access(None if url is None else credentials.checked_url(url))
    click.echo(f"Forgot the key for {', '.join(gone)}." if gone else "There was no key to forget.")


@main.command()
@_url
def account(url: str | None) -> None:
    """Show whose the key is, the credits left and the price of a drawing."""
    access = credentials.find_access(url)
    with Client(access.url, access.api_key, patience_seconds=FIRST_CONTACT_SECONDS) as client:
        found = client.account()
    click.echo(f"{found.who} at {access.url}: {found.available} credits; a drawing costs {found.price}.")


@main.command()
@drawing_options
@_url
@click.option("--manifest", type=click.Path(path_type=Path, dir_okay=False), help="The CSV that says what was done.")
@click.option(
    "--jobs", "side_by_side", type=click.IntRange(1, 32), default=8, show_default=True, help="Images side by side."
)
@click.option(
    "--patience", type=click.FloatRange(0), default=300.0, show_default=True, help="Seconds to try again for."
)
@click.option("--again", is_flag=True, help="Make, and charge, everything anew.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done, and its price.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object to standard output.")
def vectorize(
    sources: tuple[Path, ...],
    output: Path | None,
    preset: str | None,
    pairs: tuple[str, ...],
    is_recursive: bool,
    may_overwrite: bool,
    url: str | None,
    formats: tuple[str, ...],
    manifest: Path | None,
    side_by_side: int,
    patience: float,
    again: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Vectorize images and folders of images on the server.

    The same command run again goes on where the last one stopped: what is done is not charged again.
    """
    wish = Wish(
        sources=sources, output=output, options=read_options(preset, pairs), formats=formats, manifest=manifest,
        side_by_side=side_by_side, patience_seconds=patience, is_recursive=is_recursive, is_again=again,
        may_overwrite=may_overwrite, is_dry_run=dry_run, as_json=as_json,
    )  # fmt: skip
    sys.exit(vectorize_pictures(wish, credentials.find_access(url)))


@main.command()
@drawing_options
@click.option(
    "--jobs", "side_by_side", type=click.IntRange(1, 64), default=1, show_default=True, help="Images side by side."
)
def trace(
    sources: tuple[Path, ...],
    output: Path | None,
    preset: str | None,
    pairs: tuple[str, ...],
    formats: tuple[str, ...],
    is_recursive: bool,
    may_overwrite: bool,
    side_by_side: int,
) -> None:
    """Trace images on this machine, without a server: free, in the same formats."""
    from tovector.tracing import trace_pictures

    target = find_target(sources, output, formats, is_recursive=is_recursive)
    options = read_options(preset, pairs)
    sys.exit(trace_pictures(target, options, side_by_side=side_by_side, may_overwrite=may_overwrite))
