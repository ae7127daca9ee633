"""The worker's end of a WebSocket, which lets go of a client that is stuck.

uvicorn closes a connection whose client answers no ping, but waits until what was sent before is
read, and that may be never: the memory is held for as long as the client's machine is there.
"""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

CLOSE_S = 3.0


class Socket(WebSocketsSansIOProtocol):
    """uvicorn's protocol, with an end to its patience."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.close_timeout = CLOSE_S

    def keepalive_timeout(self) -> None:
        """Let go of a client that has answered no ping, whatever it has not read.

        A ping stands behind all that was sent before it, so who does not read answers none.
        """
        self.pong_timer = None
        self.transport.abort()
