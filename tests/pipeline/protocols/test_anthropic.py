"""The body of a request to the Messages API."""

from typing import Any

import pytest

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.protocols.anthropic import DEFAULT_MAX_TOKENS, body
from tokenweir.pipeline.request import Request, read_messages

FUNCTION: dict[str, Any] = {"name": "look", "description": "Look.", "parameters": {"type": "object"}}
TOOL: dict[str, Any] = {"type": "function", "function": FUNCTION}
MADE: dict[str, Any] = {"name": "look", "description": "Look.", "input_schema": {"type": "object"}}
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}}


def asked(messages: Any = "Hi", *, stream: bool = True, **options: Any) -> dict[str, Any]:
    """The body of a request with these options."""
    return body(Request(read_messages(messages), "m", stream, options))


def test_the_least() -> None:
    """PROTOCOLS 6: the model, a bound, and the turns."""
    turns = [{"role": "user", "content": "Hi"}]

    assert asked() == {"model": "m", "max_tokens": DEFAULT_MAX_TOKENS, "messages": turns, "stream": True}
    assert asked(stream=False)["stream"] is False


def test_the_system_prompt_stands_apart() -> None:
    """It is no message here; given twice, neither is left out in silence."""
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]

    assert asked(messages)["system"] == "Be brief."
    assert asked(system="Be long.")["system"] == "Be long."
    with pytest.raises(MisuseError, match="beside a system message"):
        asked(messages, system="Be long.")


@pytest.mark.parametrize(
    ("options", "bound"),
    [
        ({"max_tokens": 9}, 9),
        ({"max_completion_tokens": 8}, 8),
        ({"max_tokens": None}, DEFAULT_MAX_TOKENS),
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, DEFAULT_MAX_TOKENS + 2048),
        ({"thinking": {"type": "adaptive"}}, DEFAULT_MAX_TOKENS),
    ],
)
def test_the_bound(options: dict[str, Any], bound: int) -> None:
    """The API demands one, above the thinking budget."""
    assert asked(**options)["max_tokens"] == bound


@pytest.mark.parametrize(
    ("options", "made"),
    [
        ({"stop": "."}, {"stop_sequences": ["."]}),
        ({"stop": [".", "!"]}, {"stop_sequences": [".", "!"]}),
        ({"temperature": 0.5, "top_p": 0.9, "top_k": 5}, {"temperature": 0.5, "top_p": 0.9, "top_k": 5}),
        ({"user": "u1"}, {"metadata": {"user_id": "u1"}}),
        ({"safety_identifier": "u1"}, {"metadata": {"user_id": "u1"}}),
        ({"user": "u1", "metadata": {"user_id": "u2"}}, {"metadata": {"user_id": "u2"}}),
        ({"thinking": {"type": "disabled"}}, {"thinking": {"type": "disabled"}}),
        ({"service_tier": "auto", "cache_control": {"type": "ephemeral"}}, None),
    ],
)
def test_parameters(options: dict[str, Any], made: dict[str, Any] | None) -> None:
    """OpenAI's names become the API's; the API's own pass."""
    found = asked(**options)

    assert {name: found[name] for name in found if name not in asked()} == (made or options)


@pytest.mark.parametrize(
    ("options", "made"),
    [
        (
            {"reasoning_effort": "high"},
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
        ),
        (
            {"reasoning_effort": "minimal"},
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
        ),
        ({"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}),
        (
            {"reasoning_effort": "max", "thinking": {"type": "enabled", "budget_tokens": 1024}},
            {"thinking": {"type": "enabled", "budget_tokens": 1024}, "output_config": {"effort": "max"}},
        ),
        (
            {"reasoning_effort": "low", "output_config": {"effort": "high"}},
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
        ),
    ],
)
def test_reasoning(options: dict[str, Any], made: dict[str, Any]) -> None:
    """An effort is adaptive thinking at that effort; what the caller says in the API's own words stands."""
    found = asked(**options)

    assert {name: found[name] for name in found if name in ("thinking", "output_config")} == made


def test_a_schema() -> None:
    """`json_schema` is the API's output format; text asks for nothing; any JSON has no form."""
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}

    assert asked(response_format=wanted)["output_config"] == {
        "format": {"type": "json_schema", "schema": SCHEMA}
    }
    assert asked(response_format={"type": "text"}) == asked()
    with pytest.raises(MisuseError, match="anthropic needs a schema"):
        asked(response_format={"type": "json_object"})


def test_tools() -> None:
    """A function in OpenAI's form, one without parameters, and the API's own tools as they are."""
    own = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
    bare = {
        "type": "function",
        "function": {"name": "now", "strict": True},
        "cache_control": {"type": "ephemeral"},
    }

    assert asked(tools=[TOOL, bare, own, MADE])["tools"] == [
        MADE,
        {
            "name": "now",
            "strict": True,
            "input_schema": {"type": "object", "properties": {}},
            "cache_control": {"type": "ephemeral"},
        },
        own,
        MADE,
    ]
    assert asked(tools=(TOOL,))["tools"] == [MADE]


@pytest.mark.parametrize(
    ("options", "choice"),
    [
        ({}, None),
        ({"tool_choice": "auto", "parallel_tool_calls": True}, None),
        ({"tool_choice": "none", "parallel_tool_calls": False}, {"type": "none"}),
        ({"tool_choice": "required"}, {"type": "any"}),
        (
            {"tool_choice": {"type": "function", "function": {"name": "look"}}},
            {"type": "tool", "name": "look"},
        ),
        ({"tool_choice": {"type": "any"}}, {"type": "any"}),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        (
            {"tool_choice": "required", "parallel_tool_calls": False},
            {"type": "any", "disable_parallel_tool_use": True},
        ),
    ],
)
def test_the_choice_of_a_tool(options: dict[str, Any], choice: dict[str, Any] | None) -> None:
    """OpenAI's words are the API's objects; its own pass."""
    assert asked(tools=[TOOL], **options).get("tool_choice") == choice


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"n": 2}, "n=2: anthropic gives one choice"),
        ({"seed": 7}, "seed=7: anthropic has no form for it"),
        ({"frequency_penalty": 0.5}, "frequency_penalty=0.5"),
        ({"logprobs": True}, "logprobs=True"),
        ({"tools": [{"type": "custom"}]}, r"tools\[0\] is"),
        ({"tools": [{"type": "function", "function": None}]}, r"tools\[0\] is"),
        ({"tools": ["look"]}, r"tools\[0\] is"),
        ({"tools": [TOOL], "tool_choice": {"type": "allowed_tools"}}, "tool_choice="),
        ({"tool_choice": "sometimes"}, "tool_choice='sometimes'"),
        ({"response_format": {"type": "grammar"}}, "response_format="),
    ],
)
def test_what_has_no_form_is_refused(options: dict[str, Any], told: str) -> None:
    """By name, before anything is sent."""
    with pytest.raises(MisuseError, match=told):
        asked(**options)


def test_what_asks_for_nothing_goes_without_a_word() -> None:
    """And so does what only OpenAI's service keeps."""
    nothing: dict[str, Any] = {
        "n": 1,
        "seed": None,
        "frequency_penalty": 0,
        "logprobs": False,
        "logit_bias": {},
    }
    beside: dict[str, Any] = {
        "stream_options": {"include_usage": True},
        "store": False,
        "prompt_cache_key": "k",
    }

    assert asked(**nothing, **beside, tools=[], tool_choice="none", parallel_tool_calls=False) == asked()
