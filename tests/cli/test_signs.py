"""What one payload says of its protocol, and what says nothing."""

from typing import Any

import pytest

from tokenweir.cli.signs import GEMINI, sign_of

SIGNS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("openai-chat", {"object": "chat.completion.chunk", "choices": []}),
    ("openai-chat", {"object": "chat.completion"}),
    ("openai-chat", {"choices": [{"delta": {}}]}),
    ("openai-chat", {"choices": [{"message": {"content": "a"}}]}),
    ("openai-chat", {"object": "chat.completion.chunk", "choices": [{"text": "a"}]}),
    ("openai-chat", {"model": "m", "created": 1, "usage": {"prompt_tokens": 1}, "citations": ["a"]}),
    ("openai-completions", {"object": "text_completion", "choices": []}),
    ("openai-completions", {"choices": [{"text": "a", "index": 0}]}),
    ("openai-responses", {"type": "response.output_text.delta", "delta": "a"}),
    ("openai-responses", {"object": "response", "output": []}),
    ("openai-responses", {"response": {"object": "response"}, "sequence_number": 0}),
    ("openai-responses", {"type": "error", "code": "x", "message": "m", "param": None}),
    ("anthropic", {"type": "message_start", "message": {"role": "assistant"}}),
    ("anthropic", {"type": "content_block_delta", "index": 0}),
    ("anthropic", {"type": "message", "role": "assistant", "content": []}),
    ("anthropic", {"type": "error", "error": {"type": "overloaded_error", "message": "m"}}),
    ("lmstudio-v1", {"type": "chat.start", "model_instance_id": "m"}),
    ("lmstudio-v1", {"type": "model_load.progress", "progress": 0.5}),
    ("lmstudio-v1", {"type": "message.delta", "content": "a"}),
    ("lmstudio-v1", {"type": "tool_call.success", "tool": "a"}),
    ("lmstudio-v1", {"model_instance_id": "m", "output": [], "stats": {}}),
    ("lmstudio-v1", {"type": "error", "error": {"type": "plugin_connection_error"}}),
    ("ollama-chat", {"model": "m", "message": {"role": "assistant"}, "done": False}),
    ("ollama-chat", {"model": "m", "created_at": "2026", "message": {"role": "assistant"}}),
    ("ollama-generate", {"model": "m", "response": "a", "done": True}),
    ("llamacpp-completion", {"content": "a", "stop": False}),
    (GEMINI, {"candidates": [{}]}),
    (GEMINI, {"promptFeedback": {"blockReason": "SAFETY"}}),
    (GEMINI, {"usageMetadata": {"promptTokenCount": 1}}),
    (GEMINI, {"error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED"}}),
)

SILENT: tuple[dict[str, Any], ...] = (
    {},
    {"error": "text"},
    {"error": {"message": "m", "type": "invalid_request_error", "param": None, "code": None}},
    {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}},
    {"error": {"code": 500, "message": "m", "status": "not in capitals"}},
    {"error": {"code": "500", "message": "m", "status": "INTERNAL"}},
    {"type": "error", "error": {"type": "new"}},
    {"type": "error", "message": "m"},
    {"type": "ping"},
    {"type": "message"},
    {"type": "message", "role": "user", "content": []},
    {"type": ["message_start"]},
    {"object": "error", "message": "m"},
    {"object": "list", "data": []},
    {"choices": []},
    {"choices": "none"},
    {"choices": [{"text": None}]},
    {"usage": {"prompt_tokens": 1}, "created": 1},
    {"citations": ["a"]},
    {"model": "m", "message": {"role": "assistant"}},
    {"response": "a"},
    {"done": True},
    {"content": "a"},
    {"stop": True},
    {"content": "a", "stop": ["x"]},
    {"model_instance_id": "m"},
    {"candidates": "none"},
)


@pytest.mark.parametrize(("protocol", "payload"), SIGNS)
def test_signs(protocol: str, payload: dict[str, Any]) -> None:
    """One payload is enough."""
    assert sign_of(payload, "", whole=True) == protocol


@pytest.mark.parametrize("payload", SILENT)
def test_no_sign_is_no_guess(payload: dict[str, Any]) -> None:
    """What several protocols send, or none."""
    assert sign_of(payload, "message", whole=True) is None


@pytest.mark.parametrize(
    ("name", "protocol"),
    [
        ("response.created", "openai-responses"),
        ("message_start", "anthropic"),
        ("prompt_processing.start", "lmstudio-v1"),
        ("message", None),
        ("error", None),
        ("ping", None),
    ],
)
def test_the_name_of_the_event(name: str, protocol: str | None) -> None:
    """It tells where the payload does not; the payload's own type comes first."""
    assert sign_of({}, name, whole=False) == protocol
    assert sign_of({"type": "chat.end"}, name, whole=True) == "lmstudio-v1"


def test_a_choice_that_was_cut() -> None:
    """Some chats have a text beside the delta, which may have been cut off."""
    assert sign_of({"choices": [{"text": "a"}]}, "", whole=False) is None
