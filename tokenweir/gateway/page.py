"""`GET /` and `GET /page/...`: the status page, as files that ship with the package.

Law of this file: fixed bytes, read once, found in a table and never by a path. They hold nothing about this
gateway, so they are open to everybody; what the page shows it has to ask for, with a key where there is one.
The page runs its own files alone, and talks to its own gateway alone (Content-Security-Policy).
"""

from collections.abc import Mapping
from importlib.resources import files

from aiohttp import web

from tokenweir.gateway.gateway import SETUP

_TYPES: Mapping[str, str] = {"html": "text/html", "css": "text/css", "js": "text/javascript"}

_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
}
"""Not kept: after an upgrade an old script would ask a new gateway. What every response says is not here."""

_FILES: Mapping[str, bytes] = {
    found.name: found.read_bytes()
    for found in files("tokenweir.gateway").joinpath("page").iterdir()
    if found.name.rpartition(".")[2] in _TYPES
}


async def page(request: web.Request) -> web.Response:
    """The page. Raises HTTPNotFound where the configuration has `page: false`."""
    return _file(request, "index.html")


async def page_file(request: web.Request) -> web.Response:
    """A script or a style of the page. Raises HTTPNotFound for what is none."""
    return _file(request, request.match_info["name"])


def _file(request: web.Request, name: str) -> web.Response:
    body = _FILES.get(name) if request[SETUP].config.server.page else None
    if body is None:
        raise web.HTTPNotFound
    kind = _TYPES[name.rpartition(".")[2]]
    return web.Response(body=body, content_type=kind, charset="utf-8", headers=_HEADERS)
