"""A server for this machine alone, on a port that is free, until Ctrl-C; and what all of its answers have in common."""

import errno
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sonde.core.catalogue import require
from sonde.core.errors import ConfigError

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

ADDRESS = "127.0.0.1"  # never another: what a page shows is not for the network
DEFAULT = 7663  # SOND on the keys of a telephone
FURTHER = 50  # ports that are tried after it
HOSTS = ["localhost", "127.0.0.1"]  # another name that leads here is a page of somebody else's (DNS rebinding)
POLICY = (
    "default-src 'none'; connect-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; "
    "media-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
ALWAYS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}


def require_extra(purpose: str) -> None:
    """Raises: MissingDependency where what serves pages is not installed"""
    for package in ("starlette", "uvicorn"):
        require(package, extra="watch", purpose=purpose)


def application(routes: "Sequence[Route]", faults: Mapping[Any, Any] | None = None) -> "Starlette":
    """An application that answers to this machine's names alone. faults: class of an exception -> its answer"""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS, www_redirect=False)
    return Starlette(routes=list(routes), middleware=[hosts], exception_handlers=faults)


def joined(styles: Sequence[Path], scripts: Sequence[Path]) -> "list[Route]":
    """/style.css and /script.js, each of files behind one another."""
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    def whole(files: Sequence[Path]) -> str:
        return "\n".join(file.read_text(encoding="utf-8") for file in files)

    async def style(request: "Request") -> "Response":
        return PlainTextResponse(whole(styles), headers=ALWAYS, media_type="text/css")

    async def script(request: "Request") -> "Response":
        return PlainTextResponse(whole(scripts), headers=ALWAYS, media_type="text/javascript")

    return [Route("/style.css", style), Route("/script.js", script)]


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
