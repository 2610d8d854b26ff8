"""Faults on demand, for the torture suite: a control route outside the provider's protocol.

`POST /_faults {"kind": "error", "count": 3, "method": "POST", "path_contains": "result"}` lets the next three matching
requests fail. Kinds: `error` (500, nothing done), `timeout` (no answer for `seconds`, nothing done), `slow` (done
after `seconds`), `lost` (done, but the connection closes without an answer), `cut` (closed, nothing done).
`GET /_faults` says what is still waiting, `DELETE /_faults` takes it back.
"""

import threading
import time
from dataclasses import asdict, dataclass
from typing import Literal, get_args

from dev.standins.storage.fields import Fields
from dev.standins.storage.problems import internal_error, invalid_request
from dev.standins.web import Application, ConnectionCut, Request, Response, json_response

Kind = Literal["error", "timeout", "slow", "lost", "cut"]
KINDS: tuple[Kind, ...] = get_args(Kind)
CONTROL_PATH = "/_faults"


@dataclass(slots=True)
class Fault:
    """Something to go wrong for the next `count` requests that match."""

    kind: Kind
    count: int
    method: str
    path_contains: str
    seconds: float

    def matches(self, request: Request) -> bool:
        """Say whether this request is one to spoil."""
        return self.method in ("", request.method) and self.path_contains in request.path


class Faults:
    """Stands between the wire and the application and spoils what it was asked to spoil."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Response:
        """Answer the control route, spoil a chosen request, and let every other one through."""
        if request.path == CONTROL_PATH:
            return self._control(request)
        fault = self._take(request) if self._waiting else None
        return self._application(request) if fault is None else self._spoil(fault, request)

    def _take(self, request: Request) -> Fault | None:
        with self._lock:
            for fault in self._waiting:
                if fault.matches(request):
                    fault.count -= 1
                    self._waiting = [one for one in self._waiting if one.count > 0]
                    return fault
        return None

    def _spoil(self, fault: Fault, request: Request) -> Response:
        match fault.kind:
            case "error":
                return internal_error().response()
            case "timeout":
                time.sleep(fault.seconds)
                raise ConnectionCut
            case "slow":
                time.sleep(fault.seconds)
                return self._application(request)
            case "lost":
                self._application(request)
                raise ConnectionCut
            case "cut":
                raise ConnectionCut

    def _control(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                fault = _fault(Fields.of(request.json()))
            except ValueError:
                return invalid_request("the body must be JSON").response()
            if fault is None:
                return invalid_request(f"kind must be one of {', '.join(KINDS)}").response()
            with self._lock:
                self._waiting.append(fault)
        elif request.method == "DELETE":
            with self._lock:
                self._waiting.clear()
        return json_response([asdict(fault) for fault in self._waiting])


def _fault(fields: Fields) -> Fault | None:
    wanted = fields.text("kind")
    for kind in KINDS:
        if kind == wanted:
            return Fault(
                kind=kind,
                count=fields.whole("count", 1),
                method=fields.text("method"),
                path_contains=fields.text("path_contains"),
                seconds=fields.number("seconds", 30.0),
            )
    return None
