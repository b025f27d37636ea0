"""Tools without the object that the chat API wraps them in."""

from typing import Any

import pytest

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.protocols.openai_responses_tools import choice_of, tools_of

ADD: dict[str, Any] = {"name": "add", "description": "Adds.", "parameters": {"type": "object"}}


def test_functions_are_flat() -> None:
    """`strict` is off unless asked for, as in the chat API; no parameters are none."""
    strict = {"type": "function", "function": {**ADD, "strict": True}}

    assert tools_of([strict]) == [{"type": "function", **ADD, "strict": True}]
    assert tools_of([{"type": "function", "function": {"name": "now"}}]) == [
        {
            "type": "function",
            "name": "now",
            "parameters": {"type": "object", "properties": {}},
            "strict": False,
        }
    ]


def test_custom_tools_are_flat() -> None:
    """Their grammar too."""
    grammar = {"syntax": "lark", "definition": "start: WORD"}
    custom = {"name": "sql", "format": {"type": "grammar", "grammar": grammar}}

    assert tools_of([{"type": "custom", "custom": custom}]) == [
        {"type": "custom", "name": "sql", "format": {"type": "grammar", **grammar}}
    ]
    assert tools_of([{"type": "custom", "custom": {"name": "sql"}}]) == [{"type": "custom", "name": "sql"}]


def test_other_tools_pass() -> None:
    """Those of the server, and whatever stands in this API's own form."""
    own = [{"type": "web_search"}, {"type": "function", "name": "f", "parameters": None, "strict": None}]

    assert tools_of(tuple(own)) == own


@pytest.mark.parametrize("tools", ["add", {"type": "function"}, [7], [{}]])
def test_what_is_no_tool(tools: object) -> None:
    """A wrong form is answered with its place."""
    with pytest.raises(MisuseError, match="tools"):
        tools_of(tools)


def test_choices() -> None:
    """A word passes, a tool is flat, and so are the tools of an allowance."""
    named = {"type": "function", "function": {"name": "add"}}
    allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [named]}}

    assert choice_of("required") == "required"
    assert choice_of({"type": "web_search"}) == {"type": "web_search"}
    assert choice_of({"type": "custom", "custom": {"name": "sql"}}) == {"type": "custom", "name": "sql"}
    assert choice_of(allowed) == {
        "type": "allowed_tools",
        "mode": "auto",
        "tools": [{"type": "function", "name": "add"}],
    }
