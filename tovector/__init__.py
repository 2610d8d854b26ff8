"""The client of tovector: its HTTP API from Python, and the command line `tovector`.

    from tovector import Client, Ask

    with Client("https://…", "tv_…") as client:
        drawing = client.vectorize(Path("logo.png").read_bytes(), options={"preset": "logo"})
        Path("logo.svg").write_bytes(drawing.files["svg"])

It speaks to the server by HTTP alone and imports nothing of it.
"""

from tovector.asking import Ask
from tovector.client import Client
from tovector.problems import (
    ImageRefused,
    OptionsRefused,
    OutOfCredits,
    ResultGone,
    ServerUnreachable,
    SignInNeeded,
    TovectorError,
)
from tovector.things import Account, Drawing, Image, Job

__all__ = [
    "Account",
    "Client",
    "Drawing",
    "Image",
    "ImageRefused",
    "Job",
    "Ask",
    "OptionsRefused",
    "OutOfCredits",
    "ResultGone",
    "ServerUnreachable",
    "SignInNeeded",
    "TovectorError",
]
