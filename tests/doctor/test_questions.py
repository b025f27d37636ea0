"""The requests: small, and in each protocol's own form."""

from typing import Any

import msgspec
import pytest

from tokenweir.doctor.questions import MORE, NO_MODEL, QUESTIONS, TOKENS, Case, question
from tokenweir.pipeline.sources.connect import connect

PROVIDERS = ("anthropic", "gemini", "llamacpp", "mlx", "ollama", "openai", "openai-compatible", "vllm")


def body(provider: str, case: Case) -> tuple[str, Any]:
    """The address and the body of a case."""
    source: Any = connect(provider, "http://127.0.0.1:1", model="m")
    asked = question(source, case)
    return asked.url, msgspec.json.decode(asked.body)


def numbers(value: Any) -> set[int]:
    """All whole numbers in a body that bound an answer."""
    if isinstance(value, dict):
        return {number for inner in value.values() for number in numbers(inner)}  # pyright: ignore[reportUnknownVariableType] - JSON
    return {value} if type(value) is int else set()


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("case", QUESTIONS)
def test_every_answer_is_bounded(provider: str, case: Case) -> None:
    """Under the name that the protocol has for it; in one case by a word, which is what is wrong there."""
    _, sent = body(provider, case)

    if case == "bad parameter":
        assert '"many"' in msgspec.json.encode(sent).decode()
    else:
        assert numbers(sent) & {TOKENS, 2 * TOKENS, MORE}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_model_that_cannot_exist(provider: str) -> None:
    """In the body, or in the address."""
    url, sent = body(provider, "wrong model")

    assert NO_MODEL in url or sent["model"] == NO_MODEL
