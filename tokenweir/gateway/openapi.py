"""`GET /openapi.json`: what this gateway takes and answers, as an OpenAPI document.

Law of this file: fixed bytes. The document is written by hand, tells nothing of any configuration, and is
open to everybody; tests hold it against the routes and against what the gateway does.
"""

from importlib.resources import files

from aiohttp import web

DOCUMENT = files("tokenweir.gateway").joinpath("openapi.json").read_bytes()


async def openapi(_request: web.Request) -> web.Response:
    """The document."""
    return web.Response(body=DOCUMENT, content_type="application/json", headers={"Cache-Control": "no-cache"})
