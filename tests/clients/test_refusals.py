"""Real clients, unchanged, raise what their users catch: before an answer, and in the middle of one."""

import pytest

from tests.clients.asking import Asking
from tests.clients.gateway_process import GatewayProcess
from tests.clients.said import BROKEN, Way
from tokenweir.simulator.text import ABOUT

WAYS: tuple[Way, ...] = ("stream", "whole")
each_way = pytest.mark.parametrize("way", WAYS)


@each_way
def test_unknown_model(client: Asking, gateway: GatewayProcess, way: Way) -> None:
    """404 in the client's own type, with the names that there are."""
    said = client.ask(gateway, "cumulative-modle", way=way)

    assert said.error is not None
    assert client.client.not_found in said.error.types
    assert said.error.status == 404
    assert "cumulative-model" in said.error.message


@each_way
def test_wrong_key(client: Asking, gateway: GatewayProcess, way: Way) -> None:
    """R11: 401 in the client's own type; neither key is in the message."""
    said = client.ask(gateway, "deltas-model", way=way, api_key="sk-wrong")

    assert said.error is not None
    assert client.client.unauthorized in said.error.types
    assert said.error.status == 401
    assert "sk-" not in said.error.message


@each_way
def test_impossible_parameter(client: Asking, gateway: GatewayProcess, way: Way) -> None:
    """R06: 400 in the client's own type, which names the limit; -1 does not get out of every client."""
    said = client.ask(gateway, "deltas-model", way=way, max_tokens=10**9)

    assert said.error is not None
    assert client.client.bad_request in said.error.types
    assert said.error.status == 400
    assert "limits.max_tokens" in said.error.message


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_answer_is_an_error(client: Asking, gateway: GatewayProcess, fault: str) -> None:
    """P7, P19: what came before the break is there, and the client raises: it never takes the part for the
    whole, which most of these faults are to it where nobody stands between."""
    said = client.ask(gateway, f"{fault}-model")

    assert said.error is not None, said
    assert client.client.broken in said.error.types
    assert said.error.message
    assert said.finish in (None, "error", "unknown", "other")
    assert ABOUT.text.startswith(said.text)
    assert said.text


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_whole_answer_is_a_status(client: Asking, gateway: GatewayProcess, fault: str) -> None:
    """What is not streamed can still be refused: 502, and no text that would be taken for all of it."""
    said = client.ask(gateway, f"{fault}-model", way="whole")

    assert said.error is not None, said
    assert said.error.status == 502
    assert said.text == ""
