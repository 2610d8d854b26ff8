"""Commands of the local stack: `python -m dev up`, `token`, `settings`, `clock`, `demo`."""

import os
import shlex
from pathlib import Path

import click

from dev.children import StackRefused
from dev.home import CHECKOUT, Running, find_home


class _Commands(click.Group):
    def invoke(self, ctx: click.Context) -> object:
        """Say what went wrong in plain words instead of a traceback."""
        try:
            return super().invoke(ctx)
        except StackRefused as error:
            raise click.ClickException(str(error)) from None


@click.group(cls=_Commands)
def main() -> None:
    """The local stack of tovector: everything on this machine, no accounts."""


def running_stack() -> Running:
    """The stack of this state folder; refuses kindly when none runs."""
    running = find_home().running()
    if running is None:
        raise click.ClickException(f"no stack of {find_home().folder} runs: start one with `make up`")
    return running


@main.command()
@click.option("--port", envvar="PORT", type=click.IntRange(1, 65535), help="The API's port; any free one if left out.")
@click.option("--procfile", default=str(CHECKOUT / "Procfile"), type=click.Path(path_type=Path), hidden=True)
@click.option("--with-parent", is_flag=True, hidden=True, help="Stop when the process that started this one is gone.")
def up(port: int | None, procfile: Path, with_parent: bool) -> None:
    """Start the whole stack in the foreground until Ctrl-C."""
    from dev.stack import Stack

    parent = os.getppid()
    Stack(find_home(), port, procfile).run(lambda: not with_parent or os.getppid() == parent)


@main.command()
@click.argument("who")
@click.option("--admin", is_flag=True, help="Give the person the admin role.")
@click.option("--credits", "amount", type=str, help="Make the balance exactly this, by a ledger entry.")
def token(who: str, admin: bool, amount: str | None) -> None:
    """Print a session token of the local sign-in for WHO, an e-mail address; good for a day."""
    from dev.people import open_account, set_credits, sign_in

    running = running_stack()
    session = sign_in(find_home(), who, admin=admin)
    user_id = open_account(running, session, who)
    if amount is not None:
        set_credits(running, user_id, amount)
    click.echo(session)


@main.command()
def settings() -> None:
    """Print the running stack's settings as shell exports."""
    for name, value in running_stack().settings.items():
        click.echo(f"export {name}={shlex.quote(value)}")


@main.command()
@click.argument("move")
def clock(move: str) -> None:
    """Move the house's clock by MOVE, such as +24h or -30m; `reset` puts it right."""
    from dev.clock import move_clock

    click.echo(move_clock(find_home(), running_stack(), move))


@main.command()
def demo() -> None:
    """Vectorize the shipped samples on the real stack and write demo-output/."""
    from dev.demo import run_demo

    run_demo(find_home())


@main.command()
def generate() -> None:
    """Write anew what is written from the code: schema.sql and the reference pages."""
    from dev.generated import write_generated

    write_generated()


if __name__ == "__main__":
    main()
