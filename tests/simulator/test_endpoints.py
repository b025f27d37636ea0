"""Every provider answers where its clients ask, and its own source understands it."""

from typing import Any, cast, get_args

import pytest

from tokenweir import Pipeline, StreamError
from tokenweir.simulator.endpoints import ENDPOINTS
from tokenweir.simulator.quirks import NOT_OF, Provider
from tokenweir.simulator.source import SimulatorSource
from tokenweir.simulator.text import ABOUT

pytestmark = pytest.mark.anyio

FACES = [
    ("openai", "openai-chat"),
    ("openai", "openai-responses"),
    ("lmstudio", "openai-chat"),
    ("lmstudio", "openai-responses"),
    ("lmstudio", "lmstudio-v1"),
    ("ollama", "ollama-chat"),
    ("ollama", "openai-chat"),
    ("anthropic", "anthropic"),
]
BROKEN = ["error", "cut", "reset", "no-end", "html", "json-error", "status-500", "status-404", "empty"]


@pytest.fixture
def anyio_backend() -> str:
    """What touches aiohttp runs on asyncio."""
    return "asyncio"


def test_every_provider_has_its_addresses() -> None:
    """None is forgotten, and none answers twice at one."""
    assert ENDPOINTS.keys() == set(get_args(Provider))
    for endpoints in ENDPOINTS.values():
        assert len({endpoint.path for endpoint in endpoints}) == len(endpoints) > 0


@pytest.mark.parametrize(("provider", "protocol"), FACES)
@pytest.mark.parametrize("stream", [True, False])
async def test_the_same_answer(provider: Provider, protocol: str, stream: bool) -> None:  # noqa: FBT001 - drawn
    """P3: whatever the protocol, the events say the same."""
    thought = "Hm. Yes."
    source = SimulatorSource(as_provider=provider, protocol=protocol, reasoning=thought, byte_split=True)
    options: dict[str, Any] = {"anthropic": {"thinking": {"type": "enabled", "budget_tokens": 1024}}}
    extra = options.get(protocol, {"reasoning_effort": "low"} if protocol == "ollama-chat" else {})
    async with source:
        report = await Pipeline(source).run("Who are you?", stream=stream, **extra)

    assert (report.text, report.end.outcome) == (ABOUT.text, "complete")
    assert report.reasoning == thought
    assert report.usage is not None
    assert (report.usage.output or 0) > 0
    assert report.model == "simulated-model"


@pytest.mark.parametrize(("provider", "protocol"), FACES)
@pytest.mark.parametrize("fault", BROKEN)
async def test_no_false_success(provider: Provider, protocol: str, fault: str) -> None:
    """P2: a fault is a fault on every face."""
    if fault in NOT_OF.get(provider, {}):
        return
    async with SimulatorSource(as_provider=provider, protocol=protocol, fault=fault) as source:
        source.retry = cast("Any", source.retry).__class__(attempts=1)
        with pytest.raises(StreamError) as told:
            await Pipeline(source).run("Who are you?")

    assert told.value.failure.kind not in ("cancelled", "stage", "limit")
