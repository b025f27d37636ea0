"""What a client asks for."""

from collections.abc import Mapping
from typing import Any

import pytest

from tokenweir.config.schema import Limits
from tokenweir.gateway.ask import REFUSED, Ask, read_chat, read_completion
from tokenweir.gateway.refused import Refused
from tokenweir.pipeline.sources.connect import connect
from tokenweir.pipeline.sources.http import HTTPSource

HI: list[dict[str, Any]] = [{"role": "user", "content": "Hi"}]
LIMITS = Limits(max_messages=3, max_tools=2, max_choices=4, max_tokens=100)


def chat(headers: Mapping[str, str] | None = None, **fields: Any) -> Ask:
    """A chat with these fields."""
    return read_chat({"messages": HI, **fields}, headers or {}, LIMITS)


def completion(**fields: Any) -> Ask:
    """A completion with these fields."""
    return read_completion({"prompt": "Once", **fields}, {}, LIMITS)


def test_a_plain_chat() -> None:
    """R07: without `stream` it is none, and nothing is added."""
    assert chat() == Ask(None, tuple(HI))


def test_what_goes_to_the_backend() -> None:
    """Its own parameters and the standard ones, as they are; nothing that is null, and nothing twice."""
    ask = chat(
        model="qwen",
        stream=True,
        stream_options={"include_usage": True, "include_obfuscation": False},
        n=2,
        temperature=0,
        seed=None,
        mirostat=2,
        user="me",
    )

    assert (ask.model, ask.stream, ask.include_usage, ask.choices) == ("qwen", True, True, 2)
    assert ask.options == {"n": 2, "temperature": 0, "mirostat": 2, "user": "me"}
    assert chat(n=1).options == {}
    assert not chat(stream=True, stream_options={"include_usage": False}).include_usage


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_nobody_chooses_a_backend(name: str) -> None:
    """R09, P25: refused by name, in both forms, even where it is null."""
    for read, body in ((read_chat, {"messages": HI}), (read_completion, {"prompt": "Hi"})):
        with pytest.raises(Refused, match=name) as refused:
            read({**body, name: None}, {}, LIMITS)
        assert (refused.value.status, refused.value.param) == (400, name)


EDGES: list[tuple[str, Any, Any, str]] = [
    ("n", 4, 5, "max_choices"),
    ("n", 1, 10**9, "max_choices"),
    ("max_tokens", 100, 101, "max_tokens"),
    ("max_completion_tokens", 100, 10**9, "max_tokens"),
    ("tools", [{}] * 2, [{}] * 3, "max_tools"),
    ("functions", [{}] * 2, [{}] * 10_000, "max_tools"),
    ("messages", HI * 3, HI * 4, "max_messages"),
    ("messages", HI, HI * 100_000, "max_messages"),
]


@pytest.mark.parametrize(("field", "most", "more", "key"), EDGES)
def test_limits_at_their_edges(field: str, most: Any, more: Any, key: str) -> None:
    """R06, P29: the limit itself is allowed; one more names it."""
    assert chat(**{field: most}).messages

    with pytest.raises(Refused, match=rf"limits\.{key}") as refused:
        chat(**{field: more})
    assert (refused.value.status, refused.value.param) == (400, field)


def test_without_a_limit_the_backend_decides() -> None:
    """R06: `limits.max_tokens` is off where nobody sets it."""
    ask = read_chat({"messages": HI, "max_tokens": 10**9}, {}, Limits())

    assert ask.options == {"max_tokens": 10**9}


def test_messages_go_as_they_came() -> None:
    """R18: pictures, files and what a backend alone knows; nothing is fetched or dropped."""
    parts = [
        {"type": "text", "text": "What is this?", "cache_control": {"type": "ephemeral"}},
        {"type": "image_url", "image_url": {"url": "http://169.254.169.254/latest/meta-data"}},
        {"type": "video_url", "video_url": {"url": "file:///etc/passwd"}},
    ]
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": parts},
        {"role": "assistant", "content": None, "tool_calls": [call], "reasoning_content": "Hm"},
        {"role": "tool", "tool_call_id": "c1", "content": "3"},
    ]

    assert chat(messages=messages).messages == tuple(messages)


@pytest.mark.parametrize("value", ["comments", "events", "reasoning", "none", " Events "])
def test_the_form_of_progress_is_the_client_s_choice(value: str) -> None:
    """By a header, which any client library can set."""
    assert chat({"X-Tokenweir-Progress": value}).progress == value.strip().lower()


@pytest.mark.parametrize("value", ["reasoning_content", "reasoning", "both"])
def test_so_is_the_field_of_reasoning(value: str) -> None:
    """By another."""
    assert chat({"X-Tokenweir-Reasoning": value}).reasoning_field == value


@pytest.mark.parametrize("name", ["X-Tokenweir-Progress", "X-Tokenweir-Reasoning"])
@pytest.mark.parametrize("value", ["", "yes", "comments, events"])
def test_a_choice_that_there_is_not(name: str, value: str) -> None:
    """400 says which there are."""
    with pytest.raises(Refused, match=r"is one of .*reasoning") as refused:
        chat({name: value})
    assert (refused.value.status, refused.value.param) == (400, name)


@pytest.mark.parametrize("prompt", ["Once", ["Once"]])
def test_a_prompt_is_one_message(prompt: Any) -> None:
    """A list of one text is that text."""
    ask = read_completion({"prompt": prompt, "model": "m", "stream": True, "suffix": "end"}, {}, LIMITS)

    assert ask.messages == ({"role": "user", "content": "Once"},)
    assert (ask.model, ask.stream, ask.options) == ("m", True, {"suffix": "end"})


def test_what_asks_for_nothing_is_left_out() -> None:
    """The legacy API's own defaults."""
    assert completion(echo=False, best_of=1, logprobs=None).options == {}
    assert completion(logprobs=0).options == {"logprobs": True, "top_logprobs": 0}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": [1, 2]}, "prompt"),
        ({"prompt": [[1, 2]]}, "prompt[0]"),
        ({"prompt": None}, "prompt"),
        ({"echo": True}, None),
        ({"best_of": 2}, "best_of"),
        ({"logprobs": True}, "logprobs"),
        ({"n": 5}, "n"),
    ],
)
def test_what_a_completion_cannot_be(fields: dict[str, Any], param: str | None) -> None:
    """One prompt as text, and not repeated."""
    with pytest.raises(Refused) as refused:
        completion(**fields)
    assert (refused.value.status, refused.value.param) == (400, param)


def test_a_prompt_there_must_be() -> None:
    """Named, as it is missing."""
    with pytest.raises(Refused) as refused:
        read_completion({}, {}, LIMITS)
    assert refused.value.param == "prompt"


HARMLESS: dict[str, Any] = {
    "user": "me",
    "metadata": {"a": "b"},
    "store": True,
    "service_tier": "auto",
    "parallel_tool_calls": True,
    "prompt_cache_key": "k",
    "safety_identifier": "s",
}


@pytest.mark.parametrize(
    "provider", ["anthropic", "gemini", "llamacpp", "lmstudio", "mlx", "ollama", "openai", "vllm"]
)
def test_what_openai_alone_keeps_harms_no_backend(provider: str) -> None:
    """An unchanged client sends these; whoever has no use for them is asked all the same."""
    source = connect(provider, model="m", api_key="k")
    assert isinstance(source, HTTPSource)
    ask = chat(**HARMLESS)
    request = source.request(ask.messages, model="m", **ask.options)

    assert source.body(request)
