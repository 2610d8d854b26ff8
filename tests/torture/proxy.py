"""A small TCP proxy that stands before a server and goes wrong on request.

One thread serves all proxies. It reads enough of the Postgres protocol (version 3) to stop at the COMMIT of a chosen
database transaction: a simple query is `Q`, its length, its text and a zero byte; a statement that is prepared is `P`,
its length, its name and its text, and comes again as `B`, its length, a portal's name and the statement's.
"""

import asyncio
import contextlib
import re
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

Value = TypeVar("Value")

COMMIT = b"COMMIT\x00"
PREPARED = re.compile(rb"P.{4}([^\0]+)\0([^\0]*)\0", re.DOTALL)
BOUND = re.compile(rb"B.{4}\0([^\0]+)\0", re.DOTALL)
READ_BYTES = 65_536
ANSWER_SECONDS = 10.0


class Way(StrEnum):
    """What the proxy does with bytes."""

    FLOWS = "flows"
    HELD = "held"
    REFUSED = "refused"


class When(StrEnum):
    """On which side of a COMMIT a trap springs: the server has not seen it yet, or has answered it."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(slots=True, eq=False)
class Trap:
    """Waits for a database transaction that sends `marker`, and stops its connection at the COMMIT.

    With `cut` the connection is closed then; otherwise it stays open and silent, as for a process that is killed
    in that very moment.
    """

    marker: bytes
    when: When
    cut: bool
    left: int = 1
    client_port: int = 0
    sprung: threading.Event = field(default_factory=threading.Event)


class _Link:
    """One client's connection and its other half."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client = client
        self.server = server
        self.dead = False
        self.caught: Trap | None = None
        self.answers_dropped = asyncio.Event()
        self.dropping = False
        self._prepared: dict[bytes, bytes] = {}

    def texts(self, data: bytes) -> bytes:
        """What is sent, and the text of the statements in it that are only named."""
        self._prepared.update(PREPARED.findall(data))
        return b"\0".join([data, *(self._prepared.get(name, b"") for name in BOUND.findall(data))])

    def close(self) -> None:
        for writer in (self.client, self.server):
            with contextlib.suppress(Exception):
                writer.transport.abort()


class Proxy:
    """One listening port before one server."""

    def __init__(self, port: int, upstream: int, loop: asyncio.AbstractEventLoop) -> None:
        self.port = port
        self._upstream = upstream
        self._loop = loop
        self._links: set[_Link] = set()
        self._traps: list[Trap] = []
        self._way = Way.FLOWS
        self._open = asyncio.Event()
        self._open.set()
        self._server: asyncio.Server | None = None

    # --- what a fault may ask for, from any thread
    def hold(self) -> None:
        """From now on nothing arrives, in either direction, until `heal`; connections stay open."""
        self._call(self._set, Way.HELD)

    def refuse(self) -> None:
        """Close every connection, and every new one at once, until `heal`."""
        self._call(self._set, Way.REFUSED)

    def heal(self) -> None:
        """Let bytes flow again, and forget every trap."""
        self._call(self._set, Way.FLOWS)

    def cut(self) -> None:
        """Close every connection once; new ones are fine."""
        self._call(self._close_all)

    def half_open(self) -> int:
        """Make every present connection half-open for good: nobody says so, and nothing arrives ever again."""
        return self._call(self._kill_all)

    def set_trap(self, trap: Trap) -> Trap:
        """Lie in wait; `trap.sprung` is set when it has caught."""
        self._call(self._traps.append, trap)
        return trap

    # --- in the loop
    async def listen(self) -> None:
        """Accept connections."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def end(self) -> None:
        """Accept no more, and close what is open."""
        self._set(Way.REFUSED)
        if self._server is not None:
            self._server.close()

    def _call(self, function: Callable[..., Value], *arguments: object) -> Value:
        async def call() -> Value:
            return function(*arguments)

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(10)

    def _set(self, way: Way) -> None:
        self._way = way
        if way is Way.HELD:
            self._open.clear()
        else:
            self._open.set()
        if way is Way.REFUSED:
            self._close_all()
        if way is Way.FLOWS:
            self._traps.clear()
            for link in [link for link in self._links if link.caught]:
                link.close()

    def _close_all(self) -> None:
        for link in self._links:
            link.close()

    def _kill_all(self) -> int:
        for link in self._links:
            link.dead = True
        return len(self._links)

    async def _accept(self, client_reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        if self._way is Way.REFUSED:
            client.transport.abort()
            return
        await self._open.wait()
        try:
            server_reader, server = await asyncio.open_connection("127.0.0.1", self._upstream)
        except OSError:
            client.transport.abort()
            return
        link = _Link(client, server)
        self._links.add(link)
        up = asyncio.ensure_future(self._up(link, client_reader))
        down = asyncio.ensure_future(self._down(link, server_reader))
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            up.cancel()
            down.cancel()
            self._links.discard(link)
            link.close()

    async def _up(self, link: _Link, reader: asyncio.StreamReader) -> None:
        """From the client to the server."""
        with contextlib.suppress(OSError):
            while data := await reader.read(READ_BYTES):
                await self._open.wait()
                if link.dead:
                    continue
                self._look_for_traps(link, data)
                trap = link.caught
                if trap is not None and COMMIT in data:
                    if trap.when is When.AFTER:
                        await self._commit_unheard(link, data)
                    await self._spring(link, trap)
                    continue
                link.server.write(data)
                await link.server.drain()

    async def _commit_unheard(self, link: _Link, data: bytes) -> None:
        link.dropping = True
        link.server.write(data)
        await link.server.drain()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(link.answers_dropped.wait(), ANSWER_SECONDS)

    async def _spring(self, link: _Link, trap: Trap) -> None:
        if trap.cut:
            link.caught = None
            link.close()
        else:
            link.dead = True
        trap.sprung.set()

    def _look_for_traps(self, link: _Link, data: bytes) -> None:
        texts = link.texts(data)
        for trap in self._traps:
            if link.caught is None and trap.left > 0 and trap.marker in texts:
                link.caught = trap
                trap.left -= 1
                trap.client_port = int(link.client.get_extra_info("peername")[1])

    async def _down(self, link: _Link, reader: asyncio.StreamReader) -> None:
        """From the server to the client."""
        with contextlib.suppress(OSError):
            while data := await reader.read(READ_BYTES):
                await self._open.wait()
                if link.dropping:
                    link.answers_dropped.set()
                    continue
                if not link.dead:
                    link.client.write(data)
                    await link.client.drain()


class Proxies:
    """A thread that serves proxies, each known by a name."""

    def __init__(self, routes: dict[str, tuple[int, int]]) -> None:
        """`routes` says for each name where it listens and which port stands behind it."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self._thread.start()
        self._by_name = {name: Proxy(port, upstream, self._loop) for name, (port, upstream) in routes.items()}
        for proxy in self._by_name.values():
            self._wait(proxy.listen())

    def __getitem__(self, name: str) -> Proxy:
        """The proxy of this name."""
        return self._by_name[name]

    def heal(self) -> None:
        """Let everything flow again."""
        for proxy in self._by_name.values():
            proxy.heal()

    def close(self) -> None:
        """Stop serving; the connections end."""
        for proxy in self._by_name.values():
            self._wait(proxy.end())
        self._wait(_end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _wait(self, work: Coroutine[Any, Any, Value]) -> Value:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)


async def _end_tasks() -> None:
    """Let everything that still runs in this loop end."""
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
