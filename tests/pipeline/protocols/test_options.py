"""What options ask for, and where they have no form."""

from typing import Any

import pytest

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.protocols.options import TOOLS, asked, prompt_of, refuse, refuse_choices, schema_of

SCHEMA = {"type": "object"}
TOOL = {"type": "function", "function": {"name": "look"}}


def test_none_is_not_asked() -> None:
    """None is as good as nothing; 0 and False are values."""
    assert asked({"a": None, "b": 0, "c": False}) == {"b": 0, "c": False}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"tools": []},
        {"tool_choice": "auto"},
        {"tool_choice": "none"},
        {"logprobs": False},
        {"presence_penalty": 0},
        {"stop": ""},
        {"response_format": {"type": "text"}},
        {"temperature": 1},
    ],
)
def test_what_asks_for_nothing_goes_without_a_word(options: dict[str, Any]) -> None:
    """A caller's defaults are no demands."""
    refuse(options, TOOLS | {"logprobs", "presence_penalty", "stop", "response_format"}, "it", "go")
    refuse_choices({**options, "n": 1}, "it")

    assert "n" not in options


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"tools": [TOOL]}, r"tools=\[\{'type'"),
        ({"seed": 0}, "seed=0"),
        ({"tool_choice": "required"}, "required"),
    ],
)
def test_what_has_no_form_is_refused_by_name(options: dict[str, Any], shown: str) -> None:
    """Never left out in silence; a seed of 0 is a seed."""
    with pytest.raises(MisuseError, match=f"{shown}.*: it has no form for it: go there"):
        refuse(options, TOOLS | {"seed"}, "it", "go there")


def test_more_than_one_choice() -> None:
    """The right use stands in the message."""
    with pytest.raises(MisuseError, match="n=2: it gives one choice; ask once for each"):
        refuse_choices({"n": 2}, "it")


@pytest.mark.parametrize(
    ("wanted", "schema"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, {}),
        ({"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}, SCHEMA),
    ],
)
def test_schemas(wanted: dict[str, Any], schema: object) -> None:
    """Text, any JSON, JSON of a form."""
    assert schema_of({"response_format": wanted}, "it") == schema
    assert schema_of({}, "it") is None


@pytest.mark.parametrize("wanted", [{"type": "json_schema"}, {"type": "xml"}, "json", {}])
def test_formats_that_are_none(wanted: object) -> None:
    """They are named."""
    with pytest.raises(MisuseError, match=r"response_format=.*: it has text, json_object and json_schema"):
        schema_of({"response_format": wanted}, "it")


def test_one_prompt() -> None:
    """One user message, and no conversation."""
    message = {"role": "user", "content": "Once"}

    assert prompt_of([message], "it", "go") is message
    for roles in (["system", "user"], ["user", "user"], ["assistant"]):
        with pytest.raises(MisuseError, match=f"it takes one prompt .* not {', '.join(roles)}: go"):
            prompt_of([{"role": role} for role in roles], "it", "go")
