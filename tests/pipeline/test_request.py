"""The neutral request and its checks."""

from typing import Any

import pytest

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.request import Request, read_messages

USER = {"role": "user", "content": "hi"}


def test_a_prompt_is_one_message() -> None:
    """DESIGN 6: the short form."""
    assert read_messages("hi") == (USER,)
    assert read_messages("") == ({"role": "user", "content": ""},)


def test_messages_stay_as_they_are() -> None:
    """DESIGN 5: what tokenweir does not know of a message is not its business."""
    messages: list[dict[str, Any]] = [
        USER,
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "tool", "x": 1},
    ]

    assert read_messages(messages) == tuple(messages)
    assert read_messages(iter(messages)) == tuple(messages)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - works, though not promised


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        ([], "messages is empty"),
        ([USER, "hi"], r"messages\[1\] is 'hi': a message is"),
        ([{"content": "hi"}], r"messages\[0\] is \{'content': 'hi'\}"),
        ([{"role": 5}], r"messages\[0\]"),
        ([None], r"messages\[0\] is None"),
        ([{"content": "x" * 1000}], r"messages\[0\] is .{80}: a message is"),
    ],
)
def test_wrong_messages(messages: Any, told: str) -> None:
    """R01: refused before anything is sent, by place, with little of a long one."""
    with pytest.raises(MisuseError, match=told):
        read_messages(messages)


def test_defaults() -> None:
    """DESIGN 5: streamed, unless asked otherwise."""
    request = Request((USER,))

    assert (request.model, request.stream, dict(request.options)) == (None, True, {})
