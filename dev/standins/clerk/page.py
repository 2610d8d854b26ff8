"""The sign-in page: type an e-mail address, be that person. Plain HTML without scripts.

And what a page of the application needs to send people there: Clerk's script, as far as the house uses it.
"""

from base64 import b64encode
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

SCRIPT = Path(__file__).with_name("clerk.js")
SCRIPT_ADDRESS = "npm/@clerk/clerk-js@5/dist/clerk.headless.browser.js"

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: Canvas; color: CanvasText }
main { width: min(24rem, calc(100vw - 2rem)) }
h1 { font-size: 1.5rem; margin: 0 0 .25rem }
p { margin: 0 0 1rem }
label { display: block; margin-bottom: .25rem }
input, button, textarea { font: inherit; width: 100%; box-sizing: border-box }
input, button, textarea { padding: .6rem .75rem; border-radius: .5rem }
input, textarea { border: 1px solid GrayText; background: Field; color: FieldText }
textarea { height: 12rem; font: .8rem/1.4 ui-monospace, monospace; overflow-wrap: anywhere }
button { margin-top: .75rem; border: 0; background: #1f5fbf; color: #fff; font-weight: 600; cursor: pointer }
:focus-visible { outline: 3px solid #1f5fbf; outline-offset: 2px }
[role=alert] { border-left: 4px solid #c0392b; padding-left: .75rem }
</style>
</head>
<body>
<main>
<h1>$title</h1>
$content
</main>
</body>
</html>
""")


def sign_in_form(redirect_url: str, problem: str = "") -> str:
    """Return the page that asks who is there."""
    alert = f'<p role="alert">{escape(problem)}</p>' if problem else ""
    return _PAGE.substitute(
        title="Sign in (local)",
        content=f"""<p>This stands in for Clerk on the local stack: any address works, nothing is sent to it.</p>
{alert}<form method="post" action="/sign-in">
<label for="email">E-mail address</label>
<input id="email" name="email" type="email" autocomplete="email" required autofocus placeholder="alice@example.com">
<input name="redirect_url" type="hidden" value="{escape(redirect_url)}">
<button>Sign in</button>
</form>""",
    )


def signed_in(email: str, token: str) -> str:
    """Return the page that shows the token, for those who came without an address to go back to."""
    return _PAGE.substitute(
        title="Signed in",
        content=f"""<p>You are {escape(email)}. This session token is good for a day:</p>
<label for="token">Session token</label>
<textarea id="token" readonly>{escape(token)}</textarea>""",
    )


def publishable_key(issuer: str) -> str:
    """Return the key that a page names itself with: as Clerk makes them, the instance's host in base 64."""
    return "pk_test_" + b64encode(f"{urlsplit(issuer).netloc}$".encode()).decode()
