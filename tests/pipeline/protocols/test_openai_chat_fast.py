"""The typed decode takes the usual chunk and refuses what it would have to drop."""

import json
from typing import Any

import msgspec
import pytest

from tests.chat import call, chunk, deltas, extras
from tokenweir.pipeline.events import Event
from tokenweir.pipeline.protocols.openai_chat_fast import FastDelta, decode_fast, tell_reasoning

USUAL: dict[str, dict[str, Any]] = {
    "OpenAI": {
        **chunk(content="a"),
        "service_tier": "default",
        "system_fingerprint": "f",
        "usage": None,
        "obfuscation": "x",
    },
    "llama.cpp": {**chunk(reasoning_content="a"), "system_fingerprint": "b1"},
    "mlx_lm": chunk(role="assistant", content="a", reasoning=""),
    "vLLM": {
        "id": "a",
        "choices": [{"index": 0, "delta": {"content": "a"}, "logprobs": None, "finish_reason": None}],
    },
    "bare": {"choices": [{"delta": {"content": "a"}}]},
}
OTHER: dict[str, Any] = {
    "finish": chunk("stop"),
    "calls": call(index=0, id="c", name="f", arguments=""),
    "parts": chunk(content=[{"text": "a"}]),
    "usage": {**chunk(content="a"), "usage": {"prompt_tokens": 1}},
    "error": {**chunk(content="a"), "error": "boom"},
    "logprobs": {"choices": [{"delta": {"content": "a"}, "logprobs": {"content": []}}]},
    "unknown in the chunk": {**chunk(content="a"), "timings": {}},
    "unknown in the choice": {"choices": [{"delta": {"content": "a"}, "stop_reason": 5}]},
    "unknown in the delta": chunk(content="a", refusal="no"),
    "no choice": {"choices": []},
    "two choices": {"choices": [{"delta": {}}, {"delta": {}}]},
    "no delta": {"choices": [{"index": 0}]},
    "null delta": {"choices": [{"delta": None}]},
    "half a pair": chunk(content="\ud83d"),
    "a list": [1],
}


@pytest.mark.parametrize("payload", USUAL.values(), ids=USUAL)
def test_usual_chunks_are_taken(payload: dict[str, Any]) -> None:
    """DESIGN 9: what ordinary servers send for each token is read by one strict decode."""
    delta = decode_fast(json.dumps(payload).encode()).choices[0].delta

    assert (delta.content or delta.reasoning_content) == "a"


@pytest.mark.parametrize("payload", OTHER.values(), ids=OTHER)
def test_anything_else_is_refused(payload: object) -> None:
    """P1: nothing that the fast way does not give may pass through it."""
    with pytest.raises(msgspec.DecodeError):
        decode_fast(json.dumps(payload).encode())


def test_broken_utf8_is_refused() -> None:
    """V08: text that is no UTF-8 goes the long way."""
    with pytest.raises(UnicodeDecodeError):
        decode_fast(b'{"choices":[{"delta":{"content":"\xff"}}]}')


@pytest.mark.parametrize(
    ("delta", "told", "kept"),
    [
        (FastDelta(reasoning="a"), "a", []),
        (FastDelta(reasoning_content="a", reasoning=""), "a", []),
        (FastDelta(reasoning_content="", reasoning="a"), "a", []),
        (FastDelta(reasoning_content="a", reasoning="a"), "a", []),
        (FastDelta(reasoning_content="a", reasoning="b"), "a", [("reasoning", "b", 3)]),
    ],
)
def test_reasoning_under_two_names(delta: FastDelta, told: str, kept: list[Any]) -> None:
    """PROTOCOLS 2.3: the same text counts once; another one is kept."""
    out: list[Event] = []
    tell_reasoning(delta, 3, out)

    assert deltas(out) == [(told, "reasoning", 3)]
    assert extras(out) == kept
