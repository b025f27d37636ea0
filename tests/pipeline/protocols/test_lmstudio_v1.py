"""Requests as bodies of LM Studio's `/api/v1/chat` (PROTOCOLS 3.3)."""

from typing import Any

import pytest

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.protocols.lmstudio_v1 import body
from tokenweir.pipeline.request import Request, read_messages

HI = read_messages("Hi")
TOOL = {"type": "function", "function": {"name": "look"}}
DATA = "data:image/png;base64,AA=="
PICTURE = {"type": "image_url", "image_url": {"url": DATA}}


def asked(**options: Any) -> dict[str, Any]:
    """The body of a request, without what is the same in all of them."""
    made = body(Request(HI, "m", options=options))
    return {name: value for name, value in made.items() if name not in ("model", "input", "stream")}


def messages(*said: tuple[str, Any]) -> tuple[dict[str, Any], ...]:
    """Messages from their roles and contents."""
    return tuple({"role": role, "content": content} for role, content in said)


def test_the_shortest_body() -> None:
    """The input of one text is that text."""
    assert body(Request(HI, "m", stream=False)) == {"model": "m", "input": "Hi", "stream": False}


def test_a_system_prompt_and_images() -> None:
    """System messages stand in a field of their own; images are items, as data."""
    said = messages(
        ("system", "Be brief."),
        ("developer", [{"type": "text", "text": "Be kind."}]),
        ("user", [{"type": "text", "text": "What is it?"}, PICTURE]),
        ("user", ""),
    )

    assert body(Request(said)) == {
        "input": [
            {"type": "message", "content": "What is it?"},
            {"type": "image", "data_url": DATA},
            {"type": "message", "content": ""},
        ],
        "stream": True,
        "system_prompt": "Be brief.\n\nBe kind.",
    }


@pytest.mark.parametrize(
    ("options", "made"),
    [
        ({"max_tokens": 9}, {"max_output_tokens": 9}),
        ({"max_completion_tokens": 9}, {"max_output_tokens": 9}),
        ({"repetition_penalty": 1.1}, {"repeat_penalty": 1.1}),
        ({"reasoning_effort": "none"}, {"reasoning": "off"}),
        ({"reasoning_effort": "minimal"}, {"reasoning": "low"}),
        ({"reasoning_effort": "high"}, {"reasoning": "high"}),
        ({"reasoning": "on"}, {"reasoning": "on"}),
        ({"store": False, "previous_response_id": "r"}, {"store": False, "previous_response_id": "r"}),
        (
            {"temperature": 0, "top_k": 9, "context_length": 512},
            {"temperature": 0, "top_k": 9, "context_length": 512},
        ),
        (
            {"n": 1, "tools": [], "tool_choice": "auto", "stop": None, "user": "u", "presence_penalty": 0.0},
            {},
        ),
    ],
)
def test_options(options: dict[str, Any], made: dict[str, Any]) -> None:
    """OpenAI's names become LM Studio's, its own pass, and what asks for nothing goes."""
    assert asked(**options) == made


@pytest.mark.parametrize(
    "options",
    [
        {"tools": [TOOL]},
        {"stop": "."},
        {"seed": 0},
        {"logprobs": True},
        {"response_format": {"type": "json_object"}},
    ],
)
def test_options_without_a_form(options: dict[str, Any]) -> None:
    """Each is refused by its name, and its other face is named."""
    (name,) = options
    with pytest.raises(MisuseError, match=rf"{name}=.*no form for it: connect\('lmstudio', \.\.\.\)"):
        asked(**options)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            messages(("user", "a"), ("assistant", "b"), ("user", "c")),
            r"messages\[1\] is of role assistant.*previous",
        ),
        (messages(("tool", "a")), r"messages\[0\] is of role tool"),
        (messages(("user", "a"), ("system", "b")), r"messages\[1\] is of role system.*before the first user"),
        (messages(("system", "a")), "needs a user message"),
        (
            messages(("user", [{"type": "image_url", "image_url": "https://example.org/a.png"}])),
            r"messages\[0\].content\[0\] is an image by its address: .* images as data",
        ),
        (messages(("user", [{"type": "input_audio"}])), "is of type input_audio"),
    ],
)
def test_messages_without_a_form(said: Any, message: str) -> None:
    """The server keeps the conversation itself: what others have said is refused, with the right use."""
    with pytest.raises(MisuseError, match=message):
        body(Request(said, "m"))


def test_more_than_one_choice() -> None:
    """There is one."""
    with pytest.raises(MisuseError, match="n=2"):
        asked(n=2)
