"""openai-python and curl, unchanged, through `tokenweir serve` as its users start it.

The other clients, every way of asking, and backends that load in real time: `make test-clients`.
"""

import shutil
from collections.abc import Iterator

import pytest

from tests.clients.asking import Asking, asking
from tests.clients.gateway_process import GatewayProcess, serving_simulated
from tests.clients.installing import ALWAYS, CLIENTS
from tests.clients.said import ARGUMENTS, BACKENDS, BROKEN, HARD, THOUGHT, TOOL


@pytest.fixture(scope="module")
def gateway() -> Iterator[GatewayProcess]:
    """In front of every kind of backend."""
    with serving_simulated({**BACKENDS, **BROKEN}) as one:
        yield one


@pytest.fixture(scope="module", params=ALWAYS)
def client(request: pytest.FixtureRequest) -> Iterator[Asking]:
    """A client that needs no installation."""
    if request.param == "curl" and shutil.which("curl") is None:
        pytest.skip("there is no curl")
    with asking(CLIENTS[request.param]) as one:
        yield one


@pytest.mark.parametrize("way", ["stream", "whole"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_said(client: Asking, gateway: GatewayProcess, backend: str, way: str) -> None:
    """P4: text, reasoning, figures and finish, whatever the backend's own form is."""
    said = client.ask(gateway, f"{backend}-model", way=way)

    assert said.error is None
    assert (said.text, said.reasoning, said.finish) == (HARD, THOUGHT, "stop")
    assert said.usage is not None
    assert said.usage[2] == said.usage[0] + said.usage[1] > said.usage[0] > 0


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_called(client: Asking, gateway: GatewayProcess, backend: str) -> None:
    """A call of a tool, whole."""
    said = client.ask(gateway, f"{backend}-model", tools=True)

    [call] = said.calls
    assert call.id
    assert (call.name, call.arguments, said.finish) == (TOOL, ARGUMENTS, "tool_calls")


def test_an_unknown_model(client: Asking, gateway: GatewayProcess) -> None:
    """404 in the client's own type, with the names that there are."""
    said = client.ask(gateway, "cumulative-modle")

    assert said.error is not None
    assert said.error.status == 404
    assert client.client.not_found in said.error.types
    assert "cumulative-model" in said.error.message


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_answer(client: Asking, gateway: GatewayProcess, fault: str) -> None:
    """P7, P19: an error in the client's own type, and never a stop."""
    said = client.ask(gateway, f"{fault}-model")

    assert said.error is not None
    assert client.client.broken in said.error.types
    assert said.finish is None


def test_the_gateway_runs_on_uvloop(gateway: GatewayProcess) -> None:
    """Where it is installed, it is what the gateway runs on."""
    pytest.importorskip("uvloop")

    assert gateway.loop() == "uvloop"
