"""What a route is, beside its path.

Law of this file: the value that the table of routes is made of, and where the guard finds it again.
"""

from collections.abc import Awaitable, Callable

from aiohttp import web
from msgspec import Struct

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Endpoint(Struct, frozen=True):
    """One route. `open` lets everybody in who has no key."""

    method: str
    path: str
    handler: Handler
    open: bool = False


ENDPOINTS = web.AppKey("endpoints", dict[Handler, Endpoint])
"""By their handlers: `request.match_info.handler` is what a request has matched."""
