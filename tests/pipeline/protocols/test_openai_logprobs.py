"""Log probabilities that are written again."""

import json
from typing import Any

import pytest
from msgspec import Raw

from tokenweir.pipeline.protocols.openai_logprobs import Logprobs, chat_logprobs, completion_logprobs

TOKEN: dict[str, Any] = {"token": "a", "logprob": -0.5, "bytes": None, "top_logprobs": []}
PLAIN: dict[str, Any] = {
    "tokens": ["a"],
    "token_logprobs": [None],
    "top_logprobs": [{"a": -0.5}],
    "text_offset": [0],
}


def raw(value: object) -> Raw:
    """A value as a backend sent it."""
    return Raw(json.dumps(value, indent=1).encode())


def test_both_forms() -> None:
    """P1: as they were; fields that clients know are there, and those of a backend stay."""
    token = {**TOKEN, "id": 7, "top_logprobs": [{"token": "b", "logprob": -1, "bytes": [98]}]}

    assert chat_logprobs(raw({"content": [token]})) == {"content": [token], "refusal": None}
    assert completion_logprobs(raw(PLAIN)) == PLAIN


@pytest.mark.parametrize(
    "value",
    [
        None,
        [TOKEN],
        {},
        {"content": []},
        {"content": [{"token": "a", "logprob": -0.5}]},
        {"content": [{**TOKEN, "logprob": "low"}]},
        {"tokens": [1]},
        {"tokens": []},
    ],
)
def test_other_forms(value: object) -> None:
    """V12: clients' types demand theirs, and an empty one says nothing."""
    assert chat_logprobs(raw(value)) is None
    assert completion_logprobs(raw(value)) is None


def test_broken_json() -> None:
    """V10, V11: whatever an `Extra` holds."""
    for data in (b"", b"\xff", b"[" * 100_000):
        assert chat_logprobs(Raw(data)) is None


def test_gathered() -> None:
    """P1: in the order in which they came; a list that never came is none."""
    found = Logprobs()
    found.add({"content": [1], "refusal": None})
    found.add({"content": [2, 3], "refusal": None})
    found.add({"content": None, "refusal": [4]})

    assert found.value() == {"content": [1, 2, 3], "refusal": [4]}
