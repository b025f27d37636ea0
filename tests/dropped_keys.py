"""What is read and not passed on: the reviewed list, with a reason for each entry.

Law of this file: data. An entry is a protocol, a pattern of places in its payloads (`*` stands for
anything, `{a,b}` for either), and why nothing is lost with it. What carries information that no event
has does not belong here: it travels as `Extra`.
"""

import re
from collections.abc import Mapping
from functools import cache

_ROLE = "an answer is the assistant's"
_KIND = "says again what the payload is"
_PLACE = "where a piece belongs: events come in that order"
_PADDING = "random padding against those who count bytes"
_ECHO = "what the request asked for, said again"
_REPEAT = "what deltas or other events brought, said again"
_OF_A_MODEL = "the model's own description: `models()` has it"
_ASKED = (
    "background,frequency_penalty,instructions,metadata,parallel_tool_calls,presence_penalty,"
    "prompt_cache_retention,reasoning,service_tier,store,temperature,text,tool_choice,tools,"
    "top_logprobs,top_p,truncation"
)
"""What a response repeats of its request."""

DROPPED: Mapping[str, Mapping[str, str]] = {
    "anthropic": {
        "message_start: message.role": _ROLE,
        "message_start: message.type": _KIND,
        "message_start: message.usage.output_tokens": "a beginning; message_delta has the figure",
        "content_block_*: index": _PLACE,
    },
    "gemini-json-array": {
        "candidates[].content.role": _ROLE,
    },
    "gemini-sse": {
        "candidates[].content.role": _ROLE,
        "candidates[].content.parts[].functionCall.partialArgs[].willContinue": "the next piece tells",
    },
    "lmstudio-native": {
        "*: channelId": "where a message belongs: one answer has one channel",
        "rpcResult: callId": "one question is asked",
        "rpcResult: result[].*": _OF_A_MODEL,
        "channelSend: message.info.*": _OF_A_MODEL,
        "channelSend: message.details.*": "how the prompt's progress was counted",
        "channelSend: message.fragment.{tokensCount,containsDrafted,isStructural}": "the usage counts tokens",
        "channelSend: message.toolCallRequest.type": _KIND,
        "channelSend: message.rawContent": "what the model wrote, before it was a call",
    },
    "lmstudio-v1": {
        "model_load.*: model_instance_id": "the Start has it",
        "chat.end: result.model_instance_id": "the Start has it",
        "chat.end: result.output[].*": _REPEAT,
    },
    "ollama-chat": {
        "message.role": _ROLE,
        "message.tool_calls[].function.index": _PLACE,
    },
    "openai-chat": {
        "object": _KIND,
        "obfuscation": _PADDING,
        "p": _PADDING,
        "choices[].delta.role": _ROLE,
        "choices[].delta.tool_calls[].index": _PLACE,
        "choices[].delta.content[].thinking[].type": "a part of a thought is text",
        "choices[].delta.reasoning_details[].*": "`reasoning` beside it has the same text",
        "choices[].message.*": _REPEAT,
        "stream_options.include_usage": _ECHO,
        "usage.prompt_cache_hit_tokens": "`prompt_tokens_details.cached_tokens` beside it is the same",
    },
    "openai-completions": {
        "object": _KIND,
    },
    "openai-responses": {
        "*: sequence_number": "the order of the events says the same",
        "*: obfuscation": _PADDING,
        "*: item_id": _PLACE,
        "*: output_index": _PLACE,
        "*: content_index": _PLACE,
        "*: summary_index": _PLACE,
        "response.created: response.*": _ECHO,
        "response.in_progress: response.*": _ECHO,
        "response.output_item.*: item.*": _REPEAT,
        "response.content_part.done: part.*": _REPEAT,
        "response.output_text.done: logprobs[].*": _REPEAT,
        "response.completed: response.output[].*": _REPEAT,
        f"response.completed: response.{{{_ASKED}}}*": _ECHO,
        "response.completed: response.{id,model,created_at}": "the Start has it",
        "response.completed: response.object": _KIND,
        "response.completed: response.status": "the name of the event says it",
        "response.completed: response.completed_at": "the stream ends then",
    },
}
"""Places whose value no event shows."""

_PIECES = "a piece of arguments is a place and a value"

UNKNOWN: Mapping[str, Mapping[str, str]] = {
    "gemini-json-array": {"candidates[].content.parts[].functionCall.partialArgs[].*": _PIECES},
    "gemini-sse": {"candidates[].content.parts[].functionCall.partialArgs[].*": _PIECES},
    "lmstudio-native": {
        "rpcResult: result[].*": _OF_A_MODEL,
        "channelSend: message.info.*": _OF_A_MODEL,
        "channelSend: message.details.*": "how the prompt's progress was counted",
        "channelClose: *": "nothing is said there",
    },
}
"""Objects whose unknown keys are not passed on."""

MARKS = re.compile(
    r"type|id|object|created|created_at|model|modelVersion|model_instance_id|identifier|modelKey|path|"
    r"instanceReference|responseId|role|status|index|output_index|content_index|summary_index|item_id|"
    r"channelId|callId|toolCallId|sequence_number|finish_reason|finishReason|stop_reason|stop_sequence|"
    r"stopReason|stop_type|stop|stopped_eos|stopped_word|stopped_limit|done|done_reason|willContinue|"
    r"isStructural|containsDrafted|reasoningType|progress|cache|processed|total|time_ms|"
    r"load_time_seconds|prompt_progress|"
    r"\w*tokens|tokens_(evaluated|predicted)|\w*[tT]okens?Count|\w*eval_count"
)
"""Keys of names, places, ends, progress and figures: what is of another type there is none of them."""

OTHER: Mapping[str, Mapping[str, str]] = {
    "anthropic": {"message: usage.output_tokens_details": "no figure"},
    "gemini-json-array": {"candidates[].content.parts[].functionCall.partialArgs[]*": _PIECES},
    "gemini-sse": {"candidates[].content.parts[].functionCall.partialArgs[]*": _PIECES},
    "lmstudio-native": {
        "rpcResult: result[]": _OF_A_MODEL,
        "channelSend: message.info": _OF_A_MODEL,
        "channelSend: message.details": "how the prompt's progress was counted",
        "channelSend: message.rawContent": "what the model wrote, before it was a call",
        "channelSend: message.toolCallRequest.name": "the name came before",
    },
    "openai-chat": {"choices[].delta.reasoning_details[]*": "`reasoning` beside it has the same text"},
    "openai-responses": {
        "response.output_item.added: item.{arguments,input,encrypted_content}": "the whole item has it",
        "response.{output_item.done,completed,incomplete}: *.{annotations,logprobs}": _REPEAT,
        "response.content_part.added: part.{annotations,logprobs}": "the whole part has them",
        "response.{completed,incomplete}: response.output[].content[]": _REPEAT,
        "response.completed: response.output[].{arguments,input,call_id,name}": _REPEAT,
    },
}
"""Places where a value of another type than the one that is read there is not passed on."""


def reviewed(table: Mapping[str, Mapping[str, str]], protocol: str, pattern: str) -> str | None:
    """The entry that a pattern falls under, if any."""
    return next((entry for entry in table.get(protocol, {}) if _compiled(entry).fullmatch(pattern)), None)


@cache
def _compiled(entry: str) -> re.Pattern[str]:
    spelled = {"*": ".*", "{": "(?:", "}": ")", ",": "|"}
    return re.compile("".join(spelled.get(sign) or re.escape(sign) for sign in entry))
