"""Polls, answered from memory before Flask is asked.

Scripts poll. A job that has ended changes no more, but for formats that are made later, and these are announced. So
once its owner has been told, the same answer is given again without the database. Of a job that is open, the database
is asked for the few things that can change; if none has, the answer is the same too. Whatever is unusual about a
request leaves it to the app: this is a shortcut, and says nothing that the app would not. These answers are counted in
the metrics and not logged.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from api.answers import JSON, etag_of
from api.exchange import safe_headers
from api.house import House, ToldJob
from api.job_body import JobBody
from api.limits import Limit, Standing
from api.recent import Recent
from api.session import Caller
from api.submitting import RETRY_SECONDS
from shared import jobs, metrics
from shared.errors import ProblemError
from shared.ids import new_id, parse_id
from shared.jobs import State

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PREFIX = "/v1/jobs/"
_QUERY = re.compile(r"(wait=[0-5]?[0-9])?")
_SECONDS = 60.0
_SECONDS_UNHEARD = 2.0
_UNUSUAL = ("HTTP_ORIGIN", "HTTP_X_REQUEST_ID")
_ANSWERED = metrics.REQUESTS.labels("get_job", "GET", 200)
_UNCHANGED = metrics.REQUESTS.labels("get_job", "GET", 304)


def remember_told(house: House, caller: Caller, job: JobBody, body: bytes) -> None:
    """Keep the answer about a job, the same as JSON, for its owner."""
    job_id = parse_id(job.job_id)
    if job_id is None:
        return
    state, seconds = None, _SECONDS
    if not job.status.is_terminal:
        state = State(job.status.value, job.stage, job.progress, job.attempts, job.started_at)
    elif not house.cache.is_hearing():
        # A format that is made later is announced. Who cannot hear of it must not remember for long.
        seconds = _SECONDS_UNHEARD
    house.told.keep(job.job_id, ToldJob(job_id, caller.user_id, state, body, etag_of(body)), seconds)


def forget_announced(told: Recent[str, ToldJob], job_id: str | None) -> None:
    """A job is announced, which has something new to show; or, without an id, any may have been."""
    if job_id is None:
        told.clear()
    else:
        told.forget(job_id)


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
        if job.state is not None:
            headers.append(("Retry-After", str(RETRY_SECONDS)))
        if job.etag in environ.get("HTTP_IF_NONE_MATCH", ""):
            _UNCHANGED.inc()
            start_response("304 NOT MODIFIED", headers)
            return ()
        _ANSWERED.inc()
        headers.append(("Content-Length", str(len(job.body))))
        start_response("200 OK", headers)
        return (job.body,)

    def _find(self, environ: "WSGIEnvironment") -> tuple[ToldJob, Standing] | None:
        path: str = environ["PATH_INFO"]
        if not path.startswith(_PREFIX) or environ["REQUEST_METHOD"] != "GET":
            return None
        query: str = environ.get("QUERY_STRING", "")
        if not _QUERY.fullmatch(query) or any(name in environ for name in _UNUSUAL):
            return None
        caller = self._house.callers.get(environ.get("HTTP_AUTHORIZATION", ""))
        if caller is None:
            return None
        job = self._house.told.get(path[len(_PREFIX) :])
        if job is None or job.user_id != caller.user_id:
            return None
        if job.state is not None and (query or not self._is_still(job)):
            return None  # to wait for the end, or to be told something new
        standing = self._house.limits.spend(Limit.READS, str(caller.user_id))
        return None if standing is None else (job, standing)

    def _is_still(self, job: ToldJob) -> bool:
        """Whether all is as it was told."""
        try:
            state = self._house.database.ask(lambda db: jobs.select_state(db, job.job_id), user_id=job.user_id)
        except ProblemError:
            return False
        return state is not None and state._replace(progress=round(state.progress, 3)) == job.state
