"""A server for this machine alone, on a port that is free, until Ctrl-C."""

import errno
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from sonde.core.catalogue import require
from sonde.core.errors import ConfigError

if TYPE_CHECKING:
    from starlette.applications import Starlette

ADDRESS = "127.0.0.1"  # never another: what a page shows is not for the network
DEFAULT = 7663  # SOND on the keys of a telephone
FURTHER = 50  # ports that are tried after it


def require_extra() -> None:
    """Raises: MissingDependency where what serves pages is not installed"""
    for package in ("starlette", "uvicorn"):
        require(package, extra="watch", purpose="sonde watch")


def listen(port: int | None) -> socket.socket:
    """A socket on `port`, or on the first free one from 7663. Raises: ConfigError for a port that cannot be had"""
    if port is not None and not 0 <= port <= 65_535:
        raise ConfigError(f"--port {port} is not a port; use one from 1024 to 65535, or leave it out")
    for one in [port] if port is not None else range(DEFAULT, DEFAULT + FURTHER):
        found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if sys.platform != "win32":  # where it means something else
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((ADDRESS, one))
            found.listen(64)
            return found
        except OSError as error:
            found.close()
            if port is None and error.errno in (errno.EADDRINUSE, errno.EACCES):
                continue
            why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            raise ConfigError(f"--port {port} {why}; give another, or leave it out to use one that is free") from None
    raise ConfigError(f"no port from {DEFAULT} to {DEFAULT + FURTHER - 1} is free; give one with --port")


def serve(app_of: Callable[[Callable[[], bool]], "Starlette"], at: socket.socket) -> None:
    """Answer until a person ends it with Ctrl-C. app_of: makes the application of a function that says whether it is to end"""
    import uvicorn

    def stopping() -> bool:
        return server.should_exit

    server = uvicorn.Server(
        uvicorn.Config(
            app_of(stopping),
            log_level="error",
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=3,
        )
    )
    with suppress(KeyboardInterrupt):  # which uvicorn raises again once it has ended
        server.run(sockets=[at])
