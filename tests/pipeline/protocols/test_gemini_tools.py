"""Tools and the choice among them, as Gemini takes them."""

from typing import Any

import pytest

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.protocols.gemini_tools import choice_of, tools_of

SEARCH: dict[str, Any] = {"googleSearch": {}}
NOTHING: dict[str, Any] = {}


def function(name: str, **fields: Any) -> dict[str, Any]:
    """A tool in OpenAI's form."""
    return {"type": "function", "function": {"name": name, **fields}}


def test_functions_and_tools_of_its_own() -> None:
    """All functions are declared in one tool; the schema is JSON Schema; Gemini's own tools pass."""
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}}, "additionalProperties": False}
    described = function("look", description="Looks.", parameters=schema, strict=True)

    assert tools_of([SEARCH, described, function("now")]) == {
        "tools": [
            {
                "functionDeclarations": [
                    {"name": "look", "description": "Looks.", "parametersJsonSchema": schema},
                    {"name": "now"},
                ]
            },
            {"googleSearch": {}},
        ]
    }
    assert tools_of((SEARCH,)) == {"tools": [SEARCH]}


@pytest.mark.parametrize("tools", [None, [], ()])
def test_no_tools(tools: object) -> None:
    """Nothing is said of them."""
    assert tools_of(tools) == {}


@pytest.mark.parametrize(
    ("tools", "told"),
    [
        ("look", "tools='look': a list"),
        ([5], r"tools\[0\] is {}"),
        ([NOTHING], r"tools\[0\] is {}"),
        ([function("a"), function("")], r"tools\[1\] is"),
        ([{"type": "mcp", "name": "a"}], "takes tools of type function"),
    ],
)
def test_what_is_no_tool(tools: object, told: str) -> None:
    """Refused by its place."""
    with pytest.raises(MisuseError, match=told):
        tools_of(tools)


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        ({"type": "function", "function": {"name": "f"}}, {"mode": "ANY", "allowedFunctionNames": ["f"]}),
    ],
)
def test_choices(choice: object, config: dict[str, Any]) -> None:
    """Each has its mode."""
    assert choice_of(choice) == {"toolConfig": {"functionCallingConfig": config}}


@pytest.mark.parametrize("choice", ["any", 5, NOTHING, {"type": "function"}, ["auto"]])
def test_what_is_no_choice(choice: object) -> None:
    """Told, and no choice is none."""
    with pytest.raises(MisuseError, match="gemini has auto, none, required"):
        choice_of(choice)
    assert choice_of(None) == {}
