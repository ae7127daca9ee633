"""A worker: serves on a listening socket that it inherits as a file descriptor.

SIGTERM ends it within seconds. SIGUSR1 asks it to leave: it takes no new visitors, and sends those
it has away one after another, so that they do not all come to another worker at once.
"""

import argparse
import asyncio
import os
import random
import signal
import socket
import sys
from collections.abc import Callable
from types import FrameType

import uvicorn

from financial_live.asgi import LEAVE, load_app
from financial_live.asgi.build import PROJECT
from financial_live.asgi.heads import Line
from financial_live.asgi.logs import logging_config
from financial_live.asgi.sockets import Socket
from financial_live.config import get_settings
from financial_live.errors import AppError

GRACE_S = 3
# Each visitor costs the worker it comes to 2 to 5 ms: this takes less than half of a core.
LEAVES_PER_S = 100
# A client that answers no ping is let go after 25 s; engine.io's own take as long.
_PING_INTERVAL_S = 10
_PING_TIMEOUT_S = 15
# The largest thing a browser sends is a form.
_MAX_MESSAGE_BYTES = 64 * 1024


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m financial_live.asgi", description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="the inherited listening socket")
    parser.add_argument("--gate", type=int, help="an inherited pipe: serve when it is closed")
    parser.add_argument("--ready", type=int, help="an inherited pipe: write into it when serving")
    given = parser.parse_args(argv)
    try:
        started = serve(socket.socket(fileno=given.fd), gate=given.gate, ready=given.ready)
    except AppError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    return 0 if started else 1


class Server(uvicorn.Server):
    """uvicorn's server, which tells when it serves, and can leave without a crowd.

    ``ending`` is called when it stops: it ends the answers that would not end by themselves.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        ready: int | None = None,
        ending: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._ending = ending
        self._is_leaving = False
        self._is_hurried = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve, and tell so by a byte in the ``ready`` pipe."""
        await super().startup(sockets)
        signal.signal(LEAVE, self.leave)
        if self._ready is not None and self.started:
            os.write(self._ready, b"1")
            os.close(self._ready)

    def leave(self, signum: int, frame: FrameType | None = None) -> None:
        """Take no new visitors, and end when the others have been sent away."""
        self._is_leaving = self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End within seconds, also when leaving has begun."""
        self._is_hurried = True
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop serving."""
        if self._is_leaving:
            await self._send_away()
        if self._ending is not None:
            self._ending()
        await super().shutdown(sockets)

    async def _send_away(self) -> None:
        for server in self.servers:
            server.close()
        visitors = list(self.server_state.connections)
        random.shuffle(visitors)
        for visitor in visitors:
            if self._is_hurried:
                return
            if visitor in self.server_state.connections:
                visitor.shutdown()
                await asyncio.sleep(1 / LEAVES_PER_S)


def serve(listening: socket.socket, *, gate: int | None = None, ready: int | None = None) -> bool:
    """Serve the application on a listening socket; return whether it ever started.

    With a ``gate``, load everything, then wait until the other end of that pipe is closed. Into the
    pipe ``ready`` a byte is written once it serves. Raises AppError when the settings or the
    frontend do not allow a start.
    """
    # Reflex looks for its configuration in the working folder's place on the path.
    sys.path.insert(0, str(PROJECT))
    config = uvicorn.Config(
        "financial_live.asgi:create_app",
        factory=True,
        loop="uvloop",
        http=Line,
        ws=Socket,
        ws_ping_interval=_PING_INTERVAL_S,
        ws_ping_timeout=_PING_TIMEOUT_S,
        ws_max_size=_MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=GRACE_S,
        access_log=False,
        server_header=False,
        # A forwarded address is believed of nobody: any client could send one.
        proxy_headers=False,
        log_config=logging_config(get_settings().log_level),
    )
    if gate is not None:
        load_app()
        # Nobody ever writes: the read returns when the gate is opened by closing it.
        os.read(gate, 1)
    server = Server(config, ready=ready, ending=_end_streams)
    server.run(sockets=[listening])
    return server.started


def _end_streams() -> None:
    # Imported here: importing it loads Reflex, and so does the application that is served.
    from financial_live.financial_live import streams

    streams.end()


if __name__ == "__main__":
    sys.exit(main())
