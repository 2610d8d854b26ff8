"""Polls for jobs that have ended, answered from memory before Flask is asked.

Scripts poll. A job that has ended changes no more, but for formats that are made later, and these are announced. So
once its owner has been told, the same answer is given again without the database. Whatever is unusual about a request
leaves it to the app: this is a shortcut, and says nothing that the app would not. These answers are counted in the
metrics and not logged.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from api.answers import JSON, etag_of
from api.exchange import safe_headers
from api.house import FinishedJob, House
from api.job_body import JobBody
from api.limits import Limit, Standing
from api.recent import Recent
from api.session import Caller
from shared import metrics
from shared.ids import new_id

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PREFIX = "/v1/jobs/"
_QUERY = re.compile(r"(wait=[0-5]?[0-9])?")
_SECONDS = 60.0
_SECONDS_UNHEARD = 2.0
_UNUSUAL = ("HTTP_ORIGIN", "HTTP_X_REQUEST_ID")
_ANSWERED = metrics.REQUESTS.labels("get_job", "GET", 200)
_UNCHANGED = metrics.REQUESTS.labels("get_job", "GET", 304)


def remember_finished(house: House, caller: Caller, job: JobBody) -> None:
    """Keep the answer about a job that has ended, for its owner."""
    body = job.model_dump_json().encode()
    # A format that is made later is announced. Who cannot hear of it must not remember for long.
    seconds = _SECONDS if house.cache.is_hearing() else _SECONDS_UNHEARD
    house.finished.keep(job.job_id, FinishedJob(caller.user_id, body, etag_of(body)), seconds)


def forget_announced(finished: Recent[str, FinishedJob], job_id: str | None) -> None:
    """A job is announced, which has something new to show; or, without an id, any may have been."""
    if job_id is None:
        finished.clear()
    else:
        finished.forget(job_id)


class Polls:
    """The app behind the shortcut."""

    def __init__(self, app: "WSGIApplication", house: House) -> None:
        self._app = app
        self._house = house
        secure = house.settings.public_url.scheme == "https"
        self._headers = [*safe_headers(secure=secure), ("Content-Type", JSON), ("Cache-Control", "private, no-cache")]
        if house.settings.cors_origins:
            self._headers.append(("Vary", "Origin"))

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer from memory, or let the app answer."""
        known = self._find(environ)
        if known is None:
            return self._app(environ, start_response)
        job, standing = known
        headers = [*self._headers, *standing.headers, ("ETag", job.etag), ("X-Request-Id", new_id().hex)]
        if job.etag in environ.get("HTTP_IF_NONE_MATCH", ""):
            _UNCHANGED.inc()
            start_response("304 NOT MODIFIED", headers)
            return ()
        _ANSWERED.inc()
        headers.append(("Content-Length", str(len(job.body))))
        start_response("200 OK", headers)
        return (job.body,)

    def _find(self, environ: "WSGIEnvironment") -> tuple[FinishedJob, Standing] | None:
        path: str = environ["PATH_INFO"]
        if not path.startswith(_PREFIX) or environ["REQUEST_METHOD"] != "GET":
            return None
        if not _QUERY.fullmatch(environ.get("QUERY_STRING", "")) or any(name in environ for name in _UNUSUAL):
            return None
        caller = self._house.callers.get(environ.get("HTTP_AUTHORIZATION", ""))
        if caller is None:
            return None
        job = self._house.finished.get(path[len(_PREFIX) :])
        if job is None or job.user_id != caller.user_id:
            return None
        standing = self._house.limits.spend(Limit.READS, str(caller.user_id))
        return None if standing is None else (job, standing)
