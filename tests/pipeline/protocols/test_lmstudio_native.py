"""Requests as LM Studio's websocket takes them; the vendor's own client agrees."""

from typing import Any

import lmstudio
import pytest
from lmstudio import json_api

from tokenweir import MisuseError
from tokenweir.pipeline.protocols.lmstudio_native import load, prediction
from tokenweir.pipeline.request import Message, Request

USER = {"role": "user", "content": "Hi"}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


def asked(*messages: Message, **options: Any) -> dict[str, Any]:
    """The creation parameter of a request."""
    return prediction(Request(messages or (USER,), "m", options=options))


def fields(made: dict[str, Any], stack: str = "predictionConfigStack") -> dict[str, Any]:
    """The fields of its configuration."""
    (layer,) = made[stack]["layers"]
    return {field["key"].rpartition(".")[2]: field["value"] for field in layer["config"]["fields"]}


def test_the_vendor_asks_the_same() -> None:
    """History and fields, by the vendor's own client."""
    chat = lmstudio.Chat("Be brief.")
    chat.add_user_message("Hi")
    config = lmstudio.LlmPredictionConfig(
        max_tokens=64, temperature=0.2, top_k_sampling=5, min_p_sampling=0.1
    )
    config.stop_strings, config.top_p_sampling, config.repeat_penalty = ["x"], 0.9, 1.1
    config.draft_model = "d"
    theirs: Any = json_api.ChatResponseEndpoint("m", chat, config=config).creation_params
    ours = asked(
        {"role": "system", "content": "Be brief."},
        USER,
        max_tokens=64,
        temperature=0.2,
        top_k=5,
        min_p=0.1,
        stop="x",
        top_p=0.9,
        repeat_penalty=1.1,
        draft_model="d",
    )

    assert ours["history"] == theirs["history"]
    assert {key: value for key, value in fields(theirs).items() if key in fields(ours)} == fields(ours)
    (layer,) = theirs["predictionConfigStack"]["layers"]
    assert layer["layerName"] == ours["predictionConfigStack"]["layers"][0]["layerName"]


def test_calls_and_their_results() -> None:
    """As parts of messages."""
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": '{"at":"sky"}'}}
    made = asked(
        USER,
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "blue"},
    )
    request = {"id": "c", "type": "function", "name": "look", "arguments": {"at": "sky"}}

    assert made["history"]["messages"][1:] == [
        {"role": "assistant", "content": [{"type": "toolCallRequest", "toolCallRequest": request}]},
        {"role": "tool", "content": [{"type": "toolCallResult", "content": "blue", "toolCallId": "c"}]},
    ]


def test_tools() -> None:
    """Offered, forced, or none."""
    assert fields(asked(tools=[TOOL]))["tools"] == {"type": "toolArray", "tools": [TOOL]}
    assert fields(asked(tools=[TOOL], tool_choice="required"))["tools"]["force"] is True
    assert "tools" not in fields(asked(tools=[TOOL], tool_choice="none"))


def test_a_form_and_a_limit() -> None:
    """A schema, any JSON, text; -1 is no limit."""
    named = {"type": "json_schema", "json_schema": {"schema": SCHEMA}}

    assert fields(asked(response_format=named))["structured"] == {"type": "json", "jsonSchema": SCHEMA}
    assert fields(asked(response_format={"type": "json_object"}))["structured"] == {"type": "json"}
    assert fields(asked(response_format={"type": "text"}, max_tokens=-1)) == {
        "maxPredictedTokens": {"checked": False}
    }


def test_a_load() -> None:
    """An hour where nothing is said, as the vendor's client asks."""
    made = load("m", {"ttl": 60, "context_length": 8192})

    assert (made["identifier"], made["loadTtlMs"]) == ("m", 60_000)
    assert fields(made, "loadConfigStack") == {"contextLength": 8192}
    assert load("m", {})["loadTtlMs"] == 3_600_000
    assert fields(load("m", {}), "loadConfigStack") == {}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seed": 1}, "seed=1: .* has no form for it: connect"),
        ({"mirostat_mode": 2}, "mirostat_mode=2"),
        ({"n": 2}, "gives one choice"),
        ({"tools": [TOOL], "tool_choice": {"type": "function"}}, "has 'auto', 'none' and 'required'"),
        ({"response_format": {"type": "grammar"}}, "has text, json_object and json_schema"),
    ],
)
def test_what_has_no_form_is_refused(options: dict[str, Any], words: str) -> None:
    """By name."""
    with pytest.raises(MisuseError, match=words):
        asked(**options)


def test_an_image_is_refused() -> None:
    """It would have to be uploaded."""
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    with pytest.raises(MisuseError, match=r"messages\[0\]\.content\[0\] is of type image_url"):
        asked({"role": "user", "content": [image]})
