"""`POST /api/prompts/execute/stream`: a stored prompt with variables, streamed.

Law of this file: which prompt, which model, which values. The prompt's text comes from the configuration
alone; a request brings values for its places, and parameters that are checked as those of a chat.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, TypeGuard

from aiohttp import web

from tokenweir.config.schema import Config, Prompt
from tokenweir.gateway.answer import answer
from tokenweir.gateway.ask import Ask, read_chat
from tokenweir.gateway.body import read_json
from tokenweir.gateway.form import Form
from tokenweir.gateway.gateway import SETUP
from tokenweir.gateway.prompt_encode import PromptEncode
from tokenweir.gateway.prompt_fill import Value, messages_of
from tokenweir.gateway.refused import bad_request

FIELDS = ("promptId", "modelId", "variables", "parameters")

PARAMETERS = (
    "max_tokens", "max_completion_tokens", "temperature", "top_p", "top_k", "min_p", "stop", "seed",
    "frequency_penalty", "presence_penalty", "repeat_penalty",
)  # fmt: skip
"""What a request may set; everything else is the stored prompt's."""


async def execute(request: web.Request) -> web.StreamResponse:
    """Answer a stored prompt. Raises Refused."""
    body = await read_json(request)
    prompt_id, ask = read_prompt(body, request.headers, request[SETUP].config)
    return await answer(request, ask, Form("", partial(PromptEncode, prompt_id), greets=True), "prompt")


def read_prompt(body: Mapping[str, Any], headers: Mapping[str, str], config: Config) -> tuple[str | int, Ask]:
    """The prompt's id as it was written, and what is asked. Raises Refused."""
    for name in sorted(set(body) - set(FIELDS)):
        raise bad_request(f"{name!r} is nothing that is known here; there are: {', '.join(FIELDS)}", name)
    prompt_id, prompt = _prompt(body, config)
    variables = _variables(body.get("variables"))
    chat: dict[str, Any] = {**prompt.parameters, **_parameters(body.get("parameters"))}
    chat |= {"messages": messages_of(prompt, variables), "stream": True}
    chat |= {"stream_options": {"include_usage": True}}
    model = _name(body.get("modelId"), "modelId") or prompt.model
    if model is not None:
        chat["model"] = model
    return prompt_id, read_chat(chat, headers, config.limits)


def _prompt(body: Mapping[str, Any], config: Config) -> tuple[str | int, Prompt]:
    prompt_id = body.get("promptId")
    name = _name(prompt_id, "promptId")
    if not isinstance(prompt_id, (str, int)) or name is None:
        raise bad_request("promptId is missing: the id of a stored prompt", "promptId")
    found = config.prompts.get(name)
    if found is None:
        there = ", ".join(config.prompts) or "none: see `prompts` in the configuration"
        raise bad_request(f"there is no prompt {name!r}; there are: {there}", "promptId", status=404)
    return prompt_id, found


def _name(value: object, field: str) -> str | None:
    """A name, which may be written as a number."""
    if value is None or (isinstance(value, str) and value):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise bad_request(f"{field} is a text or a whole number", field)


def _variables(given: object) -> Mapping[str, Value]:
    if given is None:
        return {}
    if not _is_object(given):
        raise bad_request("variables is an object: names, and texts, numbers or true and false", "variables")
    for name, value in given.items():
        if not isinstance(value, (str, int, float)):
            raise bad_request(f"{name} is neither a text nor a number nor true or false", f"variables.{name}")
    return given


def _parameters(given: object) -> Mapping[str, Any]:
    if given is None:
        return {}
    if not _is_object(given):
        raise bad_request("parameters is an object", "parameters")
    for name in sorted(set(given) - set(PARAMETERS)):
        there = ", ".join(PARAMETERS)
        raise bad_request(
            f"{name!r} is nothing that may be set here; there are: {there}", f"parameters.{name}"
        )
    return given


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)
