"""The least a Flask app on our server does: the floor of a poll."""

from flask import Flask, Response

app = Flask("hello", static_folder=None)


@app.get("/hello")
def hello() -> Response:
    """Say hello."""
    return Response('{"hello":"world"}', content_type="application/json")
