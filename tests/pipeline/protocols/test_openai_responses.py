"""The body of `/v1/responses`."""

from typing import Any

import pytest

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.protocols.openai_responses import body
from tokenweir.pipeline.request import Request

HI = ({"role": "user", "content": "Hi"},)


def made(model: str | None = "m", *, stream: bool = True, **options: Any) -> dict[str, Any]:
    """The body of a request with these options."""
    return body(Request(HI, model, stream, options))


def test_a_plain_request() -> None:
    """Usage comes unasked, so nothing is asked for it."""
    assert made() == {"model": "m", "input": [{"role": "user", "content": "Hi"}], "stream": True}
    assert made(None, stream=False) == {"input": [{"role": "user", "content": "Hi"}], "stream": False}


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({"max_tokens": 5}, {"max_output_tokens": 5}),
        ({"max_tokens": 5, "max_completion_tokens": 6}, {"max_output_tokens": 6}),
        ({"max_completion_tokens": 6, "max_output_tokens": 7}, {"max_output_tokens": 7}),
        ({"reasoning_effort": "low"}, {"reasoning": {"effort": "low"}}),
        (
            {"reasoning_effort": "low", "reasoning": {"summary": "auto"}},
            {"reasoning": {"effort": "low", "summary": "auto"}},
        ),
        ({"response_format": {"type": "json_object"}}, {"text": {"format": {"type": "json_object"}}}),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}}},
            {"text": {"format": {"type": "json_schema", "name": "n", "schema": {}}}},
        ),
        ({"verbosity": "low", "text": {"x": 1}}, {"text": {"verbosity": "low", "x": 1}}),
        ({"logprobs": True}, {"include": ["message.output_text.logprobs"]}),
        ({"logprobs": False, "include": ["a"]}, {"include": ["a"]}),
        ({"stream_options": {"include_usage": True}}, {}),
        (
            {"stream_options": {"include_usage": True, "include_obfuscation": False}},
            {"stream_options": {"include_obfuscation": False}},
        ),
        ({"instructions": "Be brief."}, {"instructions": "Be brief."}),
        ({"n": 1, "temperature": None, "modalities": ["text"]}, {}),
        ({"temperature": 0, "seed": 7, "store": False}, {"temperature": 0, "seed": 7, "store": False}),
        ({"tools": [{"type": "web_search"}]}, {"tools": [{"type": "web_search"}]}),
        ({"tool_choice": "auto"}, {"tool_choice": "auto"}),
    ],
)
def test_options(options: dict[str, Any], fields: dict[str, Any]) -> None:
    """By their names in the chat API or in this one; those of neither pass."""
    assert made(**options) == {**made(), **fields}


@pytest.mark.parametrize(
    "options",
    [
        {"n": 2},
        {"stop": "x"},
        {"functions": []},
        {"function_call": "auto"},
        {"logit_bias": {}},
        {"audio": {}},
        {"prediction": {}},
        {"web_search_options": {}},
        {"modalities": ["audio"]},
        {"response_format": {"type": "grammar"}},
    ],
)
def test_what_has_no_form_is_refused(options: dict[str, Any]) -> None:
    """By name, and never left out in silence."""
    with pytest.raises(MisuseError, match=next(iter(options))):
        made(**options)
