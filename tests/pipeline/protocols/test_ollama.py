"""Requests as bodies of Ollama's own API (PROTOCOLS 4.1)."""

from typing import Any

import pytest

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.protocols.ollama import chat_body, generate_body
from tokenweir.pipeline.request import Request, read_messages

HI = read_messages("Hi")
TOOLS: list[dict[str, Any]] = [{"type": "function", "function": {"name": "look", "parameters": {}}}]
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


def chat(**options: Any) -> dict[str, Any]:
    """The body of a chat, without what is the same in all of them."""
    made = chat_body(Request(HI, "m", options=options))
    return {name: value for name, value in made.items() if name not in ("model", "messages", "stream")}


def test_the_shortest_bodies() -> None:
    """Nothing is asked that the caller did not ask; `stream` is always said."""
    assert chat_body(Request(HI, "m", stream=False)) == {"model": "m", "messages": [*HI], "stream": False}
    assert generate_body(Request(HI, "m")) == {"model": "m", "prompt": "Hi", "stream": True}


def test_parameters_are_model_options() -> None:
    """OpenAI's names become Ollama's; what nobody knows passes under its own name."""
    found = chat(
        temperature=0,
        top_p=0.5,
        top_k=9,
        seed=1,
        stop="x",
        max_tokens=5,
        presence_penalty=0.1,
        frequency_penalty=0.2,
        repetition_penalty=1.1,
        num_ctx=4096,
    )

    assert found == {
        "options": {
            "temperature": 0,
            "top_p": 0.5,
            "top_k": 9,
            "seed": 1,
            "stop": ["x"],
            "num_predict": 5,
            "presence_penalty": 0.1,
            "frequency_penalty": 0.2,
            "repeat_penalty": 1.1,
            "num_ctx": 4096,
        }
    }


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ({"options": {"num_ctx": 9}, "temperature": 1}, {"options": {"temperature": 1, "num_ctx": 9}}),
        ({"options": {"temperature": 2}, "temperature": 1}, {"options": {"temperature": 2}}),
        (
            {"max_completion_tokens": 7, "stop": ["a", "b"]},
            {"options": {"num_predict": 7, "stop": ["a", "b"]}},
        ),
        ({"think": "high", "keep_alive": -1}, {"think": "high", "keep_alive": -1}),
        ({"think": False}, {"think": False}),
        ({"reasoning_effort": "none"}, {"think": False}),
        ({"reasoning_effort": "minimal"}, {"think": "low"}),
        ({"reasoning_effort": "medium"}, {"think": "medium"}),
        ({"reasoning_effort": "low", "think": True}, {"think": True}),
        ({"format": SCHEMA}, {"format": SCHEMA}),
        ({"response_format": {"type": "text"}}, {}),
        ({"response_format": {"type": "json_object"}}, {"format": "json"}),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}}}, {"format": SCHEMA}),
        ({"logprobs": True, "top_logprobs": 3}, {"logprobs": True, "top_logprobs": 3}),
        ({"tools": TOOLS, "tool_choice": "auto"}, {"tools": TOOLS}),
        ({"tools": TOOLS, "tool_choice": "none"}, {}),
        ({"tools": []}, {}),
        ({"n": 1, "user": "u", "stream_options": {}, "temperature": None}, {}),
    ],
)
def test_where_each_parameter_goes(options: dict[str, Any], body: dict[str, Any]) -> None:
    """Ollama's own fields stand in the body; None asks for nothing; the caller's `options` win."""
    assert chat(**options) == body


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"n": 2}, "n=2: ollama gives one choice"),
        ({"tool_choice": "required"}, "tool_choice='required': ollama has 'auto' and 'none'"),
        ({"tool_choice": {"type": "function"}}, "ollama has 'auto' and 'none'"),
        ({"response_format": {"type": "grammar"}}, "ollama has text, json_object and json_schema"),
        ({"response_format": {"type": "json_schema"}}, "ollama has text, json_object and json_schema"),
    ],
)
def test_what_ollama_cannot_do_is_refused(options: dict[str, Any], told: str) -> None:
    """Not left out in silence."""
    with pytest.raises(MisuseError, match=told):
        chat(**options)


def test_generate_takes_a_system_message_and_images() -> None:
    """`prompt`, `system` and `images`; its own fields and the options as in a chat."""
    parts = [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": "data:image/png;base64,aGk="},
    ]
    messages = read_messages([{"role": "system", "content": "Brief."}, {"role": "user", "content": parts}])
    made = generate_body(Request(messages, "m", options={"suffix": "!", "raw": True, "seed": 1}))

    assert made == {
        "model": "m",
        "prompt": "Look",
        "system": "Brief.",
        "images": ["aGk="],
        "stream": True,
        "suffix": "!",
        "raw": True,
        "options": {"seed": 1},
    }


def test_generate_takes_no_conversation_and_no_tools() -> None:
    """Told with what to do instead."""
    talk = read_messages([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}])

    with pytest.raises(MisuseError, match="takes one prompt"):
        generate_body(Request(talk, "m"))
    with pytest.raises(MisuseError, match="takes no tools"):
        generate_body(Request(HI, "m", options={"tools": TOOLS}))
