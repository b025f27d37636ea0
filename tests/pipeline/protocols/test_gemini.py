"""Requests as the path and the body of `generateContent` (PROTOCOLS 7.2)."""

from typing import Any

import pytest

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.protocols.gemini import body, path
from tokenweir.pipeline.request import Request, read_messages

HI = read_messages("Hi")
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
TOOLS: list[dict[str, Any]] = [{"type": "function", "function": {"name": "look", "parameters": SCHEMA}}]
DECLARED = [{"functionDeclarations": [{"name": "look", "parametersJsonSchema": SCHEMA}]}]

NO_NAMES = (
    *("", None, "..", "../files", "models/../x", "a/b", "a?key=1", "a#b", "a:delete", "a b", "a%2fb"),
    *("//h/a", "models/", "a\n", "\u0430", "models/models/a", "http://h/a", "@h"),
)
"""What is no model's name."""


def asked(model: str = "gemini-3-pro", **options: Any) -> dict[str, Any]:
    """The body without its contents."""
    made = body(Request(HI, model, options=options))
    assert made.pop("contents") == [{"role": "user", "parts": [{"text": "Hi"}]}]
    return made


def test_the_shortest_body() -> None:
    """Nothing is asked that the caller did not ask; model and stream are in the path."""
    assert asked() == {}
    assert asked(temperature=None) == {}


def test_parameters() -> None:
    """OpenAI's names become Gemini's, inside the configuration of the generation."""
    found = asked(
        temperature=0,
        top_p=0.5,
        top_k=9,
        seed=1,
        stop="x",
        max_tokens=5,
        n=2,
        presence_penalty=0.1,
        frequency_penalty=0.2,
        logprobs=True,
        top_logprobs=3,
        modalities=["text", "image"],
    )

    assert found == {
        "generationConfig": {
            "temperature": 0,
            "topP": 0.5,
            "topK": 9,
            "seed": 1,
            "stopSequences": ["x"],
            "maxOutputTokens": 5,
            "candidateCount": 2,
            "presencePenalty": 0.1,
            "frequencyPenalty": 0.2,
            "responseLogprobs": True,
            "logprobs": 3,
            "responseModalities": ["TEXT", "IMAGE"],
        }
    }


@pytest.mark.parametrize(
    ("options", "config"),
    [
        (
            {"max_completion_tokens": 7, "stop": ["a", "b"]},
            {"maxOutputTokens": 7, "stopSequences": ["a", "b"]},
        ),
        ({"mediaResolution": "LOW", "maxOutputTokens": 7}, {"mediaResolution": "LOW", "maxOutputTokens": 7}),
        ({"generationConfig": {"topK": 9}, "top_k": 1, "seed": 2}, {"topK": 9, "seed": 2}),
        ({"response_format": {"type": "json_object"}}, {"responseMimeType": "application/json"}),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}}},
            {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA},
        ),
        ({"reasoning_effort": "none"}, {"thinkingConfig": {"thinkingBudget": 0}}),
        (
            {"reasoning_effort": "minimal"},
            {"thinkingConfig": {"thinkingLevel": "minimal", "includeThoughts": True}},
        ),
        (
            {"reasoning_effort": "xhigh"},
            {"thinkingConfig": {"thinkingLevel": "high", "includeThoughts": True}},
        ),
        (
            {"reasoning_effort": "low", "model": "models/gemini-2.5-flash"},
            {"thinkingConfig": {"thinkingBudget": 1024, "includeThoughts": True}},
        ),
        ({"thinkingConfig": {"includeThoughts": True}}, {"thinkingConfig": {"includeThoughts": True}}),
    ],
)
def test_configuration(options: dict[str, Any], config: dict[str, Any]) -> None:
    """Formats, efforts by the model's series, and Gemini's own names; those win over what is derived."""
    assert asked(**options) == {"generationConfig": config}


@pytest.mark.parametrize(
    "options",
    [
        {"n": 1},
        {"response_format": {"type": "text"}},
        {"parallel_tool_calls": True, "logit_bias": {}},
        {"stream_options": {"include_usage": True}, "user": "u", "metadata": {"a": "b"}, "store": False},
        {"tools": []},
    ],
)
def test_what_asks_for_nothing(options: dict[str, Any]) -> None:
    """Goes without a word."""
    assert asked(**options) == {}


def test_what_stands_in_the_body_itself() -> None:
    """Tools and the choice, and Gemini's own names beside the contents."""
    own: dict[str, Any] = {
        "safetySettings": [{"category": "X"}],
        "cachedContent": "cachedContents/a",
        "labels": {"a": "b"},
    }

    assert asked(**own, tools=TOOLS, tool_choice="required") == {
        **own,
        "tools": DECLARED,
        "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
    }
    config = {"functionCallingConfig": {"mode": "VALIDATED"}}
    assert asked(tools=TOOLS, tool_choice="auto", toolConfig=config)["toolConfig"] == config


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"logit_bias": {"1": 2}}, "logit_bias={'1': 2}: gemini has no form for it"),
        ({"functions": [1]}, "functions="),
        ({"parallel_tool_calls": False}, "parallel_tool_calls=False"),
        ({"response_format": {"type": "grammar"}}, "gemini has text, json_object and json_schema"),
        ({"reasoning_effort": "extreme"}, "reasoning_effort='extreme': gemini has none, minimal, low"),
        ({"reasoning_effort": 5}, "reasoning_effort=5"),
        ({"tool_choice": "any"}, "tool_choice='any'"),
        ({"tools": 5}, "tools=5"),
    ],
)
def test_what_has_no_form(options: dict[str, Any], told: str) -> None:
    """Refused by name, before anything is sent."""
    with pytest.raises(MisuseError) as refused:
        asked(**options)

    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gemini-2.5-flash", "models/gemini-2.5-flash"),
        ("models/gemini-2.5-flash", "models/gemini-2.5-flash"),
        ("tunedModels/mine-1", "tunedModels/mine-1"),
        ("gemini-1.5-pro@001", "models/gemini-1.5-pro@001"),
    ],
)
def test_the_path(model: str, name: str) -> None:
    """The model's name, with what it is or without, and one of two verbs."""
    assert path(Request(HI, model)) == f"/{name}:streamGenerateContent?alt=sse"
    assert path(Request(HI, model, stream=False)) == f"/{name}:generateContent"


@pytest.mark.parametrize("model", NO_NAMES)
def test_a_model_is_a_name_and_no_path(model: str | None) -> None:
    """P25, R12: nothing that a request carries chooses another path, query or host."""
    with pytest.raises(MisuseError, match="is no name of a Gemini model"):
        path(Request(HI, model))
