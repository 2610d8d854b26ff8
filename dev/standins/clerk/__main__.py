"""Serves the sign-in stand-in on loopback until SIGTERM: `--port N --state DIR --issuer URL [--origin URL]...`."""

import argparse
from pathlib import Path

from dev.standins.clerk.app import ClerkApp
from dev.standins.clerk.state import State
from dev.standins.clerk.webhooks import Webhooks
from dev.standins.web import Server


def main() -> None:
    """Serve; one ready line on stdout, nothing else."""
    parser = argparse.ArgumentParser(prog="python -m dev.standins.clerk", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="loopback port; 0 takes a free one")
    parser.add_argument("--state", type=Path, required=True, help="folder for users and keys")
    parser.add_argument("--issuer", help="the tokens' iss; by default this server's own address")
    parser.add_argument(
        "--origin", action="append", default=[], help="origin that may receive tokens; by default any on loopback"
    )
    parser.add_argument("--webhook-url", help="where it tells what happens to people; by default nowhere")
    parser.add_argument("--webhook-secret", default="whsec_bG9jYWw=", help="what it signs that with")
    options = parser.parse_args()
    state = State(options.state)
    webhooks = Webhooks(options.webhook_url, options.webhook_secret)
    webhooks.start()
    server = Server(ClerkApp(state, tuple(options.origin), webhooks), options.port)
    state.set_issuer(options.issuer or f"http://127.0.0.1:{server.port}")
    state.keys()
    server.serve_until_terminated(f"sign-in stand-in ready: {state.issuer}/sign-in")


if __name__ == "__main__":
    main()
