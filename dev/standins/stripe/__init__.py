"""A stand-in for Stripe: checkouts with a page to pay on, refunds, disputes, invoices, and signed webhooks.

The unchanged `stripe` client reaches it by its base address. Bodies are held to the parameter types of the installed
stripe package, so that what Stripe would refuse is refused here. What no API of Stripe's does (a bank that disputes,
money under way that arrives or does not, webhooks that come twice, late or never) is done on its start page, or by
`POST /_control/…`. It answers as VIES too, below `/vies`.
"""
