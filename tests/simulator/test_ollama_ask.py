"""What a request to Ollama's own API asks for."""

from typing import Any

import msgspec
import pytest

from tokenweir.simulator.ask import BadAsk
from tokenweir.simulator.ollama_ask import OllamaAsk, read_ollama_ask

PROMPT = [{"role": "user", "content": "Who are you?"}]
TOOLS = [{"type": "function", "function": {"name": "look"}}]


def read(*, generate: bool = False, **fields: Any) -> OllamaAsk:
    """The request with these fields; it must be fine."""
    asked = read_ollama_ask(msgspec.json.encode({"model": "m", **fields}), generate=generate)
    assert isinstance(asked, OllamaAsk)
    return asked


def test_it_streams_unless_told_otherwise() -> None:
    """PROTOCOLS 4.1: `stream` defaults to true."""
    found = [read(messages=PROMPT, stream=stream).ask.stream for stream in (None, True, False)]

    assert read(messages=PROMPT).ask.stream
    assert found == [True, True, False]


@pytest.mark.parametrize(
    ("options", "limit"),
    [({}, None), ({"num_predict": 5}, 5), ({"num_predict": -1}, None), ({"seed": 1}, None)],
)
def test_the_bound_is_num_predict(options: dict[str, Any], limit: int | None) -> None:
    """-1 and -2 are no bound."""
    assert read(messages=PROMPT, options=options).ask.limit == limit


def test_generate_has_a_prompt_and_no_tools() -> None:
    """The same tokens as the chat that says the same."""
    chat = read(messages=[{"role": "system", "content": "Brief."}, *PROMPT], tools=TOOLS)
    generate = read(generate=True, system="Brief.", prompt="Who are you?", tools=TOOLS)

    assert generate.ask.prompt_tokens() == chat.ask.prompt_tokens()
    assert chat.ask.offers("look")
    assert not generate.ask.offers("look")


@pytest.mark.parametrize(
    ("keep_alive", "unload"),
    [(None, False), (0, True), (0.0, True), ("0", True), ("0s", True), ("5m", False), (-1, False)],
)
@pytest.mark.parametrize("generate", [True, False])
def test_an_empty_request_is_about_the_model(keep_alive: object, *, unload: bool, generate: bool) -> None:
    """PROTOCOLS 4.2: it loads the model, or gives it back."""
    asked = read(generate=generate, keep_alive=keep_alive)

    assert (asked.empty, asked.unload) == (True, unload)


def test_a_question_is_never_an_unload() -> None:
    """`keep_alive: 0` beside a question is about the time after it."""
    asked = read(messages=PROMPT, keep_alive=0)

    assert (asked.empty, asked.unload) == (False, False)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "missing request body"),
        (b"{", "Input data was truncated"),
        (b"\xff", "JSON is malformed"),
        (b"[]", "Expected `object`"),
        (b"{}", "model is required"),
        (b'{"model":"m","messages":"Hi"}', "Expected `array`"),
        (b'{"model":"m","messages":[{"role":"user","content":[]}]}', "Expected `str`"),
        (b'{"model":"m","stream":"yes"}', "Expected `bool | null`"),
    ],
)
def test_what_is_refused(body: bytes, message: str) -> None:
    """R01, R07: with a message; a content in parts is not Ollama's."""
    asked = read_ollama_ask(body, generate=False)

    assert isinstance(asked, BadAsk)
    assert asked.message.startswith(message)
