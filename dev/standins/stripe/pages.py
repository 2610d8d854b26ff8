"""The pages: where a customer pays, and where a developer plays the bank. Plain HTML without scripts."""

from html import escape
from string import Template

from dev.standins.stripe.state import Fields
from dev.standins.web import Response

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: Canvas; color: CanvasText }
main { width: min($width, calc(100vw - 2rem)); padding: 1.5rem 0 }
h1 { font-size: 1.5rem; margin: 0 0 .25rem }
p { margin: 0 0 1rem }
label { display: block; margin: .5rem 0 .25rem }
input, button { font: inherit; box-sizing: border-box; padding: .55rem .75rem; border-radius: .5rem }
input { width: 100%; border: 1px solid GrayText; background: Field; color: FieldText }
.row { display: grid; grid-template-columns: 1fr 1fr; gap: .5rem }
.actions { display: grid; grid-template-columns: 1fr 1fr; gap: .5rem; margin-top: 1rem }
button { border: 1px solid #1f5fbf; background: none; color: inherit; font-weight: 600; cursor: pointer }
button.first { grid-column: 1 / -1; background: #1f5fbf; color: #fff }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; padding: .4rem .6rem .4rem 0; border-top: 1px solid GrayText; vertical-align: top }
td form { display: inline }
td button { padding: .15rem .5rem; font-size: .85rem; margin: 0 .25rem .25rem 0 }
:focus-visible { outline: 3px solid #1f5fbf; outline-offset: 2px }
[role=alert] { border-left: 4px solid #c0392b; padding-left: .75rem }
code { overflow-wrap: anywhere }
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
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # No form-action: browsers apply it to the redirect too, which goes back to the shop.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
}


def page(title: str, content: str, status: int = 200, width: str = "26rem") -> Response:
    """An HTML answer."""
    return Response(status, HEADERS, _PAGE.substitute(title=title, content=content, width=width).encode())


def checkout_page(session: Fields, known: Fields, problem: str = "", status: int = 200) -> Response:
    """Where the customer pays; `known` is the customer that the shop named, with what it knows of them."""
    address: Fields = known.get("address") or {}
    tax_ids: list[Fields] = (known.get("tax_ids") or {}).get("data", [])
    name = escape(str(session["line"].get("price_data", {}).get("product_data", {}).get("name", "Credits")))
    alert = f'<p role="alert">{escape(problem)}</p>' if problem else ""
    fields = "".join(
        _field(label, field, value, hint)
        for label, field, value, hint in (
            ("E-mail", "email", known.get("email") or session["customer_email"], "email"),
            ("Name", "name", known.get("name"), "name"),
            ("Country (two letters)", "country", address.get("country"), "country"),
            ("Postal code", "postal_code", address.get("postal_code"), "postal-code"),
            ("Business name", "business_name", known.get("name") if tax_ids else "", "organization"),
            ("VAT id", "vat_id", tax_ids[0]["value"] if tax_ids else "", "off"),
        )
    )
    return page(
        "Checkout (local)",
        f"""<p>This stands in for Stripe on the local stack; no money moves.</p>
<p><strong>{name}</strong>: {money(session["amount_subtotal"], session["currency"])} before tax</p>
{alert}<form method="post">
<div class="row">{fields}</div>
<div class="actions">
<button class="first" name="action" value="pay">Pay</button>
<button name="action" value="pay-later">Pay later (bank debit)</button>
<button name="action" value="decline">Card that is declined</button>
<button name="action" value="cancel" formnovalidate>Cancel</button>
</div>
</form>""",
        status,
    )


def _field(label: str, name: str, value: object, hint: str) -> str:
    return (
        f'<div><label for="{name}">{label}</label><input id="{name}" name="{name}" autocomplete="{hint}"'
        f' value="{escape(str(value or ""))}"></div>'
    )


def bank_page(rows: list[tuple[Fields, list[tuple[str, str, str]]]]) -> Response:
    """Every checkout with what can be done to it: (label, address, JSON-free form value) for each button."""
    shown = "".join(_row(session, actions) for session, actions in rows)
    return page(
        "Payments (local)",
        "<p>This stands in for Stripe's dashboard and for the customer's bank.</p>"
        f"<table><tr><th>Checkout</th><th>State</th><th>Money</th><th></th></tr>{shown}</table>",
        width="60rem",
    )


def _row(session: Fields, actions: list[tuple[str, str, str]]) -> str:
    buttons = "".join(
        f'<form method="post" action="{escape(address)}"><button name="do" value="{escape(value)}">{escape(label)}'
        "</button></form>"
        for label, address, value in actions
    )
    return (
        f"<tr><td><code>{escape(session['id'])}</code></td><td>{session['status']}, {session['payment_status']}</td>"
        f"<td>{money(session['amount_total'], session['currency'])}</td><td>{buttons}</td></tr>"
    )


def money(amount: int, currency: str) -> str:
    """Minor units as a person reads them."""
    return f"{amount / 100:.2f} {currency.upper()}"
