"""A worker: serves on a listening socket that it inherits as a file descriptor."""

import argparse
import os
import socket
import sys

import uvicorn

from financial_live.asgi import load_app
from financial_live.asgi.build import PROJECT
from financial_live.asgi.logs import logging_config
from financial_live.config import get_settings
from financial_live.errors import AppError

GRACE_S = 3
# The largest thing a browser sends is a form.
_MAX_MESSAGE_BYTES = 64 * 1024


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m financial_live.asgi", description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="the inherited listening socket")
    parser.add_argument("--gate", type=int, help="an inherited pipe: serve when it is closed")
    arguments = parser.parse_args(argv)
    try:
        started = serve(socket.socket(fileno=arguments.fd), gate=arguments.gate)
    except AppError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    return 0 if started else 1


def serve(listening: socket.socket, *, gate: int | None = None) -> bool:
    """Serve the application on a listening socket; return whether it ever started.

    With a ``gate``, load everything, then wait until the other end of that pipe is closed. Raises
    AppError when the settings or the frontend do not allow a start.
    """
    # Reflex looks for its configuration in the working folder's place on the path.
    sys.path.insert(0, str(PROJECT))
    config = uvicorn.Config(
        "financial_live.asgi:create_app",
        factory=True,
        loop="uvloop",
        ws="websockets-sansio",
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
    server = uvicorn.Server(config)
    server.run(sockets=[listening])
    return server.started


if __name__ == "__main__":
    sys.exit(main())
