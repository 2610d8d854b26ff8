"""A stand-in for Clerk: signs people in by e-mail address alone and publishes the keys its tokens are checked with.

Session tokens are Clerk's version 2 with three custom claims, which a production instance adds under
"Customize session token": `{"email": "{{user.primary_email_address}}", "name": "{{user.full_name}}",
"metadata": "{{user.public_metadata}}"}`. An operator is a user whose public metadata is `{"role": "admin"}`, so the
token says `"metadata": {"role": "admin"}`.
"""
