"""Serves the stand-in for Stripe on loopback until SIGTERM."""

import argparse
from pathlib import Path

from dev.standins.stripe.app import StripeApp
from dev.standins.stripe.state import State
from dev.standins.stripe.webhooks import Webhooks
from dev.standins.web import Server


def main() -> None:
    """Serve; one ready line on stdout, nothing else."""
    parser = argparse.ArgumentParser(prog="python -m dev.standins.stripe", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="loopback port; 0 takes a free one")
    parser.add_argument("--state", type=Path, required=True, help="folder for what it remembers")
    parser.add_argument("--secret-key", required=True, help="the API key, sk_test_…")
    parser.add_argument("--webhook-url", help="where events are sent; by default nowhere")
    parser.add_argument("--webhook-secret", default="whsec_local", help="what events are signed with")
    parser.add_argument("--seller-country", default="DE", help="where the shop is, for the tax")
    options = parser.parse_args()
    state = State(options.state)
    webhooks = Webhooks(state, options.webhook_url, options.webhook_secret)
    app: list[StripeApp] = []
    server = Server(lambda request: app[0](request), options.port)
    url = f"http://127.0.0.1:{server.port}"
    app.append(
        StripeApp(state, webhooks, secret_key=options.secret_key, url=url, seller_country=options.seller_country)
    )
    webhooks.start()
    server.serve_until_terminated(f"checkout stand-in ready: {url}")


if __name__ == "__main__":
    main()
