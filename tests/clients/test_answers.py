"""Real clients, unchanged, read the same answer through the gateway, whatever stands behind it."""

import pytest

from tests.clients.asking import Asking
from tests.clients.gateway_process import GatewayProcess
from tests.clients.said import ARGUMENTS, BACKENDS, HARD, THOUGHT, TOOL, Way
from tokenweir.simulator.text import script_of

WAYS: tuple[Way, ...] = ("stream", "whole", "helper")
each = pytest.mark.parametrize(
    ("backend", "way"), [(name, way) for name in BACKENDS for way in WAYS], ids=str
)
SPOKEN = len(script_of(THOUGHT).tokens) + len(script_of(HARD).tokens)


def skip_unless(client: Asking, way: Way) -> None:
    """Not every library has a helper of its own."""
    if way not in client.client.ways:
        pytest.skip(f"{client.client.name} has no {way}")


@each
def test_text(client: Asking, gateway: GatewayProcess, backend: str, way: Way) -> None:
    """P4: each character once; the reasoning apart from it, the true figures, one finish."""
    skip_unless(client, way)
    said = client.ask(gateway, f"{backend}-model", way=way)

    assert said.error is None
    assert said.text == HARD
    if client.client.reasons and (client.client.name, way) != (
        "openai-node",
        "helper",
    ):  # it keeps the last piece
        assert said.reasoning == THOUGHT
    assert said.finish == "stop"
    assert said.usage is not None
    sent, output, total = said.usage
    assert (output, total) == (SPOKEN, sent + output)
    assert sent > 0


@each
def test_tool_calls(client: Asking, gateway: GatewayProcess, backend: str, way: Way) -> None:
    """A call comes whole: its id, its name, its arguments, and the finish that says so."""
    skip_unless(client, way)
    said = client.ask(gateway, f"{backend}-model", way=way, tools=True)

    assert said.error is None
    [call] = said.calls
    assert call.id
    assert (call.name, call.arguments) == (TOOL, ARGUMENTS)
    assert (said.finish or "").replace("-", "_") == "tool_calls"
    assert said.text == ""


@each
def test_a_limit_is_a_finish(client: Asking, gateway: GatewayProcess, backend: str, way: Way) -> None:
    """`max_tokens` reaches the backend, and that it was hit reaches the client."""
    skip_unless(client, way)
    said = client.ask(gateway, f"{backend}-model", way=way, max_tokens=30)

    if client.client.name == "openai-python" and way == "helper":
        assert said.error is not None, "this helper calls it an error, of its own accord"
        assert said.error.types[0] == "LengthFinishReasonError"
        return
    assert said.error is None
    assert said.finish == "length"
    assert HARD.startswith(said.text)
    assert 0 < len(said.text) < len(HARD)
