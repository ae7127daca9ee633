"""The worker's end of a WebSocket, which lets go of a client that is stuck.

uvicorn closes a connection whose client answers no ping, but waits until what was sent before is
read, and that may be never: the memory is held for as long as the client's machine is there.
"""

import asyncio

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

# A client that reads nothing for so long is let go, however little it is asked to read.
STUCK_S = 30.0
CLOSE_S = 3.0


class Socket(WebSocketsSansIOProtocol):
    """uvicorn's protocol, with an end to its patience."""

    _letting_go: asyncio.TimerHandle | None = None

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.close_timeout = CLOSE_S

    def pause_writing(self) -> None:
        """Note that the client does not read, and for how long it may not."""
        super().pause_writing()
        if self._letting_go is None:
            self._letting_go = self.loop.call_later(STUCK_S, self._let_go)

    def resume_writing(self) -> None:
        """Note that the client reads again."""
        super().resume_writing()
        self._keep()

    def keepalive_timeout(self) -> None:
        """Let go of a client that has answered no ping, whatever it has not read."""
        self.pong_timer = None
        self._let_go()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._keep()
        super().connection_lost(exc)

    def _keep(self) -> None:
        if self._letting_go is not None:
            self._letting_go.cancel()
            self._letting_go = None

    def _let_go(self) -> None:
        self._letting_go = None
        self.transport.abort()
