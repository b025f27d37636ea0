"""Which of LM Studio's HTTP faces a request is for, and how an older LM Studio says that it has but one.

Law of this file: pure rules (docs/decisions/2026-11-21-lmstudio-faces.md). REST v1 tells how far a load
and a prompt have come; what it cannot take or cannot tell is a request for the OpenAI face.
"""

import re
from typing import Any, Literal

import msgspec

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.models import LOADED_MODEL
from tokenweir.pipeline.protocols import lmstudio_v1
from tokenweir.pipeline.protocols.options import BESIDE, asked, asks_something
from tokenweir.pipeline.request import Request

Face = Literal["openai", "rest"]

REST_ALONE = frozenset({"context_length", "integrations", "previous_response_id", "reasoning", "store"})
"""Parameters that the OpenAI face does not have. What asks for nothing (`store=False`) is for any face."""

_REST_TOO = BESIDE | {
    "min_p",
    "n",
    "reasoning_effort",
    "repeat_penalty",
    "repetition_penalty",
    "temperature",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
}
"""Parameters that both have, where they ask for what REST v1 can do. A limit of tokens is not among them:
REST v1 takes one, and does not tell whether the answer was cut there."""

_OLD = re.compile(r"unexpected endpoint|cannot post|invalid url|/api/v1/chat", re.IGNORECASE)
_NO_SUCH_PATH = frozenset({404, 405, 501})


def rest_body(request: Request) -> dict[str, Any]:
    """The body for REST v1. The server is asked to keep nothing, unless the request says otherwise or goes
    on where an earlier one ended. Raises MisuseError for what has no form there."""
    body = lmstudio_v1.body(request)
    return body if body.get("previous_response_id") else {"store": False, **body}


def for_openai(request: Request) -> Request:
    """The request without what the OpenAI face does not have."""
    kept = {name: value for name, value in request.options.items() if name not in REST_ALONE}
    return msgspec.structs.replace(request, options=kept)


def is_for_rest(request: Request) -> bool:
    """Whether REST v1 serves a request as well as the OpenAI face, or is the only one that can. It needs
    the name of a model, and its progress is worth nothing where the answer is asked for whole."""
    given = asked(request.options)
    if any(name in REST_ALONE and asks_something(name, value) for name, value in given.items()):
        return True
    named = request.model not in (None, LOADED_MODEL)
    if not named or not request.stream or not given.keys() <= _REST_TOO | REST_ALONE:
        return False
    try:
        lmstudio_v1.body(request)
    except MisuseError:
        return False
    return True


def is_too_old(failure: Failure) -> bool:
    """Whether a failure says that there is no REST v1: some versions say so with status 200."""
    if failure.kind == "model_not_found" and _OLD.search(failure.message) is None:
        return False
    return failure.status in _NO_SUCH_PATH or "unexpected endpoint" in failure.message.lower()
