"""The gateway as an aiohttp application: its routes, and what stands before all of them.

Law of this file: the one table of routes. Whether a request is let in is decided by guard.py, on the
route that matched and not on what the path looks like (PROMISES P27).
"""

from aiohttp import web

from tokenweir.gateway import chat, gauges, health, model_life, models, openapi, page, prompts, status
from tokenweir.gateway.body import expect_later
from tokenweir.gateway.endpoint import ENDPOINTS, Endpoint
from tokenweir.gateway.events_socket import add_sockets, events_socket
from tokenweir.gateway.gateway import GATEWAY, Gateway
from tokenweir.gateway.guard import add_headers, guard
from tokenweir.gateway.rates import Rates
from tokenweir.gateway.refusing import answer_refusals

ROUTES: tuple[Endpoint, ...] = (
    Endpoint("POST", "/v1/chat/completions", chat.chat_completions),
    Endpoint("POST", "/v1/completions", chat.completions),
    Endpoint("GET", "/v1/models", models.models),
    Endpoint("GET", "/v1/models/{id:.+}/status", models.status),
    Endpoint("GET", "/v1/models/{id:.+}", models.model),
    Endpoint("POST", "/v1/models/{id:.+}/load", model_life.load),
    Endpoint("POST", "/v1/models/{id:.+}/unload", model_life.unload),
    Endpoint("GET", "/v1/stream", events_socket),
    Endpoint("POST", "/api/prompts/execute/stream", prompts.execute),
    Endpoint("GET", "/api/status", status.status),
    Endpoint("GET", "/health", health.health, open=True),
    Endpoint("GET", "/health/live", health.live, open=True),
    Endpoint("GET", "/health/ready", health.ready, open=True),
    Endpoint("GET", "/metrics", gauges.metrics),
    Endpoint("GET", "/openapi.json", openapi.openapi, open=True),
    Endpoint("GET", "/page/{name}", page.page_file, open=True),
    Endpoint("GET", "/", page.page, open=True),
)
"""In the order in which they are tried."""


def make_app(gateway: Gateway) -> web.Application:
    """The application that serves this gateway."""
    app = web.Application(middlewares=[answer_refusals, guard])
    app[GATEWAY] = gateway
    app[status.RATES] = Rates()
    add_sockets(app)
    app.on_response_prepare.append(add_headers)
    app[ENDPOINTS] = {endpoint.handler: endpoint for endpoint in ROUTES}
    for endpoint in ROUTES:
        app.router.add_route(endpoint.method, endpoint.path, endpoint.handler, expect_handler=expect_later)
    return app
