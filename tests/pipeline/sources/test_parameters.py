"""Parameters that are known, and backends that take no others."""

from typing import Any

import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsBase
from openai.types.responses.response_create_params import ResponseCreateParamsBase

from tests.scripted import Attempt, ScriptedTransport
from tests.transcripts import HELLO
from tokenweir import MisuseError, Pipeline, connect
from tokenweir.pipeline.sources.connect import SOURCES
from tokenweir.pipeline.sources.parameters import ALONE, PARAMETERS, check_parameters

LOCAL = ("llamacpp", "lmstudio", "lmstudio-native", "mlx", "ollama", "vllm")
EXTENSIONS: dict[str, Any] = {
    "mirostat_mode": 2,
    "mirostat_tau": 5.0,
    "cache_prompt": True,
    "ttl": 300,
    "draft_model": "d",
    "top_k": 40,
    "min_p": 0.05,
    "repeat_penalty": 1.1,
    "response_format": {"type": "json_object"},
    "tools": [],
    "brand_new": object(),
    "seed": None,
}


@pytest.mark.parametrize("provider", [*LOCAL, "anthropic", "gemini"])
def test_extensions_pass(provider: str) -> None:
    """Known ones in their bounds, and those that nobody knows."""
    check_parameters(provider, EXTENSIONS, hosted=provider not in LOCAL)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("mirostat_mode", 3, "mirostat_mode=3: mirostat_mode is a whole number from 0 to 2"),
        ("mirostat_mode", 1.0, "is a whole number"),
        ("top_p", 1.5, "is a number from 0 to 1"),
        ("temperature", "hot", "temperature='hot': temperature is a number of at least 0"),
        ("temperature", float("nan"), "is a number of at least 0"),
        ("top_k", True, "is a whole number of at least -1"),
        ("cache_prompt", 1, "is true or false"),
        ("draft_model", 7, "is text"),
        ("response_format", "json", "is a mapping"),
        ("tools", {}, "is a list"),
        ("stop", 1, "is text, or a list of texts"),
        ("seed", "x", "seed is a whole number$"),
    ],
)
@pytest.mark.parametrize("provider", [*LOCAL, "openai"])
def test_known_ones_are_checked(provider: str, name: str, value: Any, words: str) -> None:
    """Type and range, for every provider."""
    with pytest.raises(MisuseError, match=words):
        check_parameters(provider, {name: value})


def test_a_hosted_api_takes_no_others() -> None:
    """It would answer 400; the same wire elsewhere takes anything."""
    with pytest.raises(MisuseError, match="mirostat_mode=2: openai has no such parameter: leave it out"):
        check_parameters("openai", {"mirostat_mode": 2}, hosted=True)
    with pytest.raises(MisuseError, match=r"tempersture=0: .*; did you mean 'temperature'"):
        check_parameters("openai", {"tempersture": 0}, hosted=True)
    check_parameters("openai", {"mirostat_mode": 2})


@pytest.mark.parametrize("provider", ["openai-compatible", "simulator", "replay", "of-a-plugin"])
def test_of_an_unknown_server_nothing_is_known(provider: str) -> None:
    """What is given is sent; a plugin's own provider knows the common ones at most."""
    check_parameters(provider, {"news": object(), "top_p": 0.5})


def test_the_lists_are_those_of_the_vendor() -> None:
    """Every parameter of its own client, and no name that no source has."""
    beside = {"messages", "model", "input"}

    assert set(CompletionCreateParamsBase.__annotations__) - beside == ALONE["openai"]
    assert set(ResponseCreateParamsBase.__annotations__) - beside <= ALONE["openai-responses"]
    assert ALONE.keys() <= SOURCES.keys()
    assert all(known.low <= known.high for known in PARAMETERS.values())


@pytest.mark.anyio
async def test_before_anything_is_sent() -> None:
    """A stream is not even begun."""
    transport = ScriptedTransport(Attempt(200, HELLO))
    pipeline = Pipeline(connect("openai", model="m", api_key="k", transport=transport))
    with pytest.raises(MisuseError, match="top_k=5: openai has no such parameter"):
        pipeline.stream("hi", top_k=5)
    await pipeline.text("hi", temperature=0.5, model="n")

    assert len(transport.requests) == 1
