"""From settings to sources and stages."""

from typing import Any

import anyio
import pytest
from structlog.testing import capture_logs

from tests.gateway.configured import backend, loaded
from tests.gateway.serving import HI, gateway, post
from tests.gateway.until import until
from tokenweir.gateway.setup import Setup
from tokenweir.pipeline.deadlines import Deadlines
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.sources.http import HTTPSource
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator
from tokenweir.simulator.text import script_of

pytestmark = pytest.mark.anyio

URL = "http://127.0.0.1:9"


def the_backend(provider: str = "openai-compatible", **settings: Any) -> Any:
    """The one backend of a configuration."""
    [served] = Setup(loaded(backend(provider, URL, **settings))).backends.values()
    return served


def names(stage: Any) -> list[str]:
    """The stages of a chain, without their options."""
    return [part.name.partition("(")[0] for part in stage.parts]


def test_timeouts_are_deadlines() -> None:
    """`timeout_secs` is between two tokens: a model may load for longer."""
    http = {"timeout_secs": 60.0, "connect_timeout_secs": 10.0, "total_timeout_secs": 900.0}
    usual = the_backend().source.deadlines

    assert usual == Deadlines()
    assert the_backend(http=http).source.deadlines == Deadlines(
        connect=10.0, first_token=300.0, between_tokens=60.0, total=900.0
    )
    assert the_backend(http={"first_token_timeout_secs": 7.0}).source.deadlines.first_token == 7.0
    assert the_backend("anthropic").source.deadlines.first_token == 120.0


def test_what_a_client_cannot_take_back_is_never_sent() -> None:
    """Where a backend may resend or rewrite; gathered answers take revisions as they are."""
    cumulative = the_backend("lmstudio")
    deltas = the_backend(streaming={"mode": "delta"})

    assert "append_only" in names(cumulative._chat.flowing)
    assert "append_only" not in names(cumulative._chat.whole)
    assert "append_only" not in names(deltas._chat.flowing)


def test_configured_stages_come_in_their_order() -> None:
    """Behind the source's own, and before what clients need."""
    served = the_backend(
        stages=[{"reasoning_split": {}}, {"throttle": {"rate": 60}}], streaming={"coalesce_secs": 0.05}
    )
    found = names(served._chat.flowing)

    assert found[-5:] == ["reasoning_split", "throttle", "token_count", "append_only", "coalesce"]


def test_figures_are_made_once() -> None:
    """By the stage that was configured, where one is."""
    assert names(the_backend(stages=["token_count"])._chat.whole).count("token_count") == 1
    assert names(the_backend()._chat.whole).count("token_count") == 1


def test_another_model_than_the_one_asked_for_is_an_error() -> None:
    """The gateway refuses where the library warns."""
    assert the_backend().source.model_mismatch == "error"


def test_settings_that_cannot_work_are_refused() -> None:
    """With the provider's own words."""
    with pytest.raises(MisuseError, match="OpenAI face"):
        Setup(loaded(backend("ollama", "http://localhost:11434/v1")))


def test_a_key_goes_to_its_backend_alone() -> None:
    """And is in no repr (P24)."""
    made = loaded(backend("openai-compatible", URL))
    made.backend_keys["inference"] = "sk-canary"
    [served] = Setup(made).backends.values()

    assert isinstance(served.source, HTTPSource)
    request = served.source.question(f"{URL}/v1/x", None)
    assert request.headers["Authorization"] == "Bearer sk-canary"
    assert "canary" not in repr(served.source)


async def test_it_is_closed_when_its_last_request_is_over() -> None:
    """C12: answers under way keep their connections."""
    setup = Setup(loaded(backend("openai-compatible", URL)))
    setup.enter()
    setup.enter()
    async with anyio.create_task_group() as group:
        group.start_soon(setup.aclose)
        setup.leave()
        await anyio.wait_all_tasks_blocked()
        assert not setup.unused.is_set()
        setup.leave()

    await setup.aclose()


@pytest.mark.parametrize("path", ["completions", "chat/completions"])
async def test_a_backend_is_busy_whatever_it_is_asked_for(path: str) -> None:
    """P23: what keeps its models warm stays out of the way of a prompt as of a chat, though these are asked
    through sources of their own."""
    quirks = Quirks(provider="ollama", fault="stall")
    async with (
        Simulator(quirks) as sim,
        gateway(backend("ollama", sim.url)) as server,
        anyio.create_task_group() as group,
    ):
        source = server.gateway.setup.backends["inference"].source
        assert source.activity.streams(source) == []
        body = {**HI, "prompt": "Once", "model": "simulated-model", "stream": True}
        body.pop("messages" if path == "completions" else "prompt")
        group.start_soon(post, f"{server.url}/v1/{path}", body)
        await until(lambda: source.activity.streams(source))
        [stream] = source.activity.streams(source)
        assert stream.asked_model == "simulated-model"
        group.cancel_scope.cancel()


async def test_a_source_that_cannot_be_closed_keeps_no_other_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """A source of somebody else's may raise anything."""
    one = {"provider": "openai-compatible", "base_url": URL}
    setup = Setup(loaded({"backends": {"odd": one, "sound": one}}))
    closed = list[str]()

    async def broken() -> None:
        raise KeyError("sk-canary-1")

    async def close() -> None:
        closed.append("sound")

    monkeypatch.setattr(setup.backends["odd"].source, "aclose", broken)
    monkeypatch.setattr(setup.backends["sound"].source, "aclose", close)
    with capture_logs() as logs:
        await setup.aclose()

    assert closed == ["sound"]
    assert logs == [
        {"event": "bug", "log_level": "warning", "where": "close", "error": "KeyError", "backend": "odd"}
    ]


@pytest.mark.parametrize(
    ("provider", "path"),
    [("ollama", "/api/generate"), ("anthropic", "/v1/messages")],
)
async def test_a_prompt_is_completed_where_the_backend_can(provider: Any, path: str) -> None:
    """Else it is one user message."""
    quirks = Quirks(provider=provider, script=script_of("Once upon a time."))
    options = {"options": {"api_key": "made-up"}} if provider == "anthropic" else {}
    async with Simulator(quirks) as sim, gateway(backend(provider, sim.url, **options)) as server:
        body = {"model": "simulated-model", "prompt": "Once", "max_tokens": 99}
        got = await post(f"{server.url}/v1/completions", body)
        chat = await post(f"{server.url}/v1/chat/completions", {**HI, "model": "simulated-model"})

    assert got.json["choices"][0]["text"] == "Once upon a time."
    assert chat.json["choices"][0]["message"]["content"] == "Once upon a time."
    assert ("prompt" in sim.log[0].body) == (path == "/api/generate")
    assert "messages" in sim.log[1].body
