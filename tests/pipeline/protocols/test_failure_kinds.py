"""The kind of every error that PROTOCOLS sections 9 and 11.2 list, row by row.

Law of this file: a row is a backend and a case, its HTTP status (None in the middle of a stream), the
backend's own code, and the body it answers with (parsed).
"""

import json
from typing import Any, get_args

import pytest

from tokenweir.pipeline.events import FailureKind
from tokenweir.pipeline.protocols.failure_kinds import is_retryable, kind_of
from tokenweir.pipeline.protocols.failures import failure_from

Row = tuple[str, int | None, str | None, Any]


def told(message: str, **more: Any) -> dict[str, Any]:
    """An error object."""
    return {"error": {"message": message, **more}}


ROWS: dict[tuple[str, bool], list[Row]] = {
    ("model_loading", True): [
        (
            "llama-server loads",
            503,
            "unavailable_error",
            told("Loading model", type="unavailable_error", code=503),
        ),
        (
            "a hosted model loads",
            503,
            None,
            {"error": "Model m is currently loading", "estimated_time": 20.0},
        ),
    ],
    ("bad_request", False): [
        ("Ollama refuses", 400, None, {"error": "invalid options: temperature"}),
        (
            "llama-server refuses",
            400,
            "invalid_request_error",
            told("'messages' is required", type="invalid_request_error", code=400),
        ),
        ("mlx, bad JSON", 400, None, {"error": "Invalid JSON in request body: Expecting value"}),
        (
            "vLLM refuses",
            400,
            "BadRequestError",
            told("temperature must be a number", type="BadRequestError", param=None, code=400),
        ),
        (
            "transformers, bad JSON",
            422,
            None,
            {"detail": [{"loc": ["body", 0], "msg": "JSON decode error", "type": "json_invalid"}]},
        ),
        ("transformers, pinned", 400, None, {"detail": "Server is pinned to m"}),
        (
            "OpenRouter, moderation",
            403,
            "403",
            told("Your input was flagged", code=403, metadata={"reasons": ["x"]}),
        ),
        ("Ollama, path", 404, None, "404 page not found"),
        (
            "llama-server, path",
            404,
            "not_found_error",
            told("File Not Found", type="not_found_error", code=404),
        ),
        ("mlx, path", 404, None, "Not Found"),
        ("FastAPI, path", 404, None, {"detail": "Not Found"}),
        ("LM Studio REST v1, key of a job", 404, "job_not_found", told("no such job", type="job_not_found")),
        (
            "LM Studio REST v1, request",
            None,
            "invalid_request",
            told("no", type="invalid_request", param="input"),
        ),
        (
            "vLLM, old and flat",
            None,
            "BadRequestError",
            {"object": "error", "message": "no", "type": "BadRequestError", "param": None, "code": 400},
        ),
    ],
    ("upstream", True): [
        (
            "llama-server, bad JSON",
            500,
            "server_error",
            told("parse error at line 1", type="server_error", code=500),
        ),
        ("llama-cpp-python, bad JSON", 500, None, "Internal Server Error"),
        (
            "llama-cpp-python, wrong type",
            500,
            "internal_server_error",
            told("[{'type': 'float_parsing'}] in /srv/app.py", type="internal_server_error", code=None),
        ),
        ("OpenRouter, timeout", 408, "408", told("timed out", code=408)),
        ("OpenRouter, provider down", 502, "502", told("Provider returned error", code=502)),
        ("llama-swap, broken", 500, None, told("unspecific error: upstream is gone")),
        ("nginx", 502, None, "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body></body></html>"),
        ("nothing", 504, None, ""),
        (
            "LM Studio, engine",
            None,
            "500",
            {"error": 'Engine protocol predict stream returned an error: {"code":500,"message":"no"}'},
        ),
        ("LM Studio REST v1", None, "internal_error", told("boom", type="internal_error")),
        (
            "llama-server, old field",
            None,
            "server_error",
            {"code": 500, "message": "context shift is disabled", "type": "server_error"},
        ),
        (
            "Anthropic, itself",
            None,
            "api_error",
            {"type": "error", "error": {"type": "api_error", "message": "no"}},
        ),
        (
            "Responses, flat",
            None,
            "server_error",
            {"type": "error", "code": "server_error", "message": "no", "sequence_number": 3},
        ),
    ],
    ("auth", False): [
        (
            "llama-server, key",
            401,
            "authentication_error",
            told("Invalid API Key", type="authentication_error", code=401),
        ),
        ("vLLM, key", 401, None, {"error": "Unauthorized"}),
        (
            "OpenAI, key",
            401,
            "invalid_api_key",
            told(
                "Incorrect API key provided", type="invalid_request_error", param=None, code="invalid_api_key"
            ),
        ),
        (
            "Gemini, key",
            400,
            "INVALID_ARGUMENT",
            told("API key not valid. Please pass one.", code=400, status="INVALID_ARGUMENT"),
        ),
        (
            "Azure's gateway, key",
            401,
            None,
            {"statusCode": 401, "message": "Access denied due to a missing subscription"},
        ),
        (
            "OpenAI, quota",
            429,
            "insufficient_quota",
            told("You exceeded your current quota", type="insufficient_quota", code="insufficient_quota"),
        ),
        ("OpenRouter, credits", 402, "402", told("Insufficient credits", code=402)),
    ],
    ("model_not_found", False): [
        (
            "LM Studio, model",
            404,
            "model_not_found",
            told(
                'Model "d" not found. Please specify a valid model.\n\nYours:\n',
                type="invalid_request_error",
                param="model",
                code="model_not_found",
            ),
        ),
        (
            "LM Studio, none loaded",
            404,
            None,
            told("No models loaded. Please load a model in the developer page"),
        ),
        ("Ollama, model", 404, None, {"error": "model 'x' not found"}),
        ("Ollama, model not pulled", 404, None, {"error": 'model "x" not found, try pulling it first'}),
        (
            "vLLM, model",
            404,
            "NotFoundError",
            told("The model `x` does not exist.", type="NotFoundError", param="model", code=404),
        ),
        ("mlx, model", 404, None, {"error": "Cannot find an appropriate cached snapshot folder"}),
        ("mlx, no such repository", 404, None, {"error": "404 Client Error. Repository Not Found for url"}),
        ("llama-swap, model", 404, None, told("no router for requested model")),
        (
            "Anthropic, model",
            404,
            "not_found_error",
            {"type": "error", "error": {"type": "not_found_error", "message": "model: m"}},
        ),
    ],
    ("context_length", False): [
        (
            "LM Studio, context",
            400,
            None,
            {"error": "tokens to keep: greater than the context length (n_keep: 9>= n_ctx: 8)"},
        ),
        (
            "llama-server, context",
            400,
            "exceed_context_size_error",
            told(
                "the request exceeds the available context size",
                type="exceed_context_size_error",
                code=400,
                n_prompt_tokens=9,
                n_ctx=8,
            ),
        ),
        (
            "vLLM, context",
            400,
            "BadRequestError",
            told("This model's maximum context length is 4096 tokens", type="BadRequestError", code=400),
        ),
        (
            "OpenAI, context",
            400,
            "context_length_exceeded",
            told(
                "too many tokens",
                type="invalid_request_error",
                param="messages",
                code="context_length_exceeded",
            ),
        ),
        (
            "Gemini, context",
            400,
            "INVALID_ARGUMENT",
            told("The input token count (9) exceeds the maximum", code=400, status="INVALID_ARGUMENT"),
        ),
        (
            "Anthropic, context",
            400,
            "invalid_request_error",
            {
                "type": "error",
                "error": {"type": "invalid_request_error", "message": "prompt is too long: 9 tokens"},
            },
        ),
        (
            "LM Studio, context",
            None,
            None,
            {"error": {"message": "Input does not fit in context length."}, "message": "Input does not fit"},
        ),
        (
            "OpenRouter, provider",
            None,
            "400",
            told(
                "Provider returned error",
                code=400,
                metadata={"raw": '{"message":"maximum context length is 9"}'},
            ),
        ),
    ],
    ("overloaded", True): [
        (
            "Ollama, queue",
            503,
            None,
            {"error": "server busy, please try again.  maximum pending requests exceeded"},
        ),
        (
            "llama-server, slots",
            503,
            "unavailable_error",
            told("no slot available", type="unavailable_error", code=503),
        ),
        (
            "Anthropic, busy",
            529,
            "overloaded_error",
            {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
        ),
        ("OpenRouter, no provider", 503, "503", told("No provider fits", code=503)),
        (
            "Anthropic, busy",
            None,
            "overloaded_error",
            {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
        ),
    ],
    ("rate_limited", True): [
        (
            "OpenAI, rate",
            429,
            "rate_limit_exceeded",
            told("Rate limit reached for m", type="requests", param=None, code="rate_limit_exceeded"),
        ),
        ("Azure, rate", 429, "429", told("Requests have exceeded the call rate", code="429")),
        ("OpenRouter, rate", None, "429", told("slow down", code=429)),
        (
            "Gemini, in a list",
            None,
            "RESOURCE_EXHAUSTED",
            [{"error": {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED"}}],
        ),
        ("JSON in a string", None, "429", {"error": json.dumps(told("slow down", code=429))}),
    ],
    ("model_crashed", True): [
        (
            "LM Studio, crash",
            400,
            None,
            {"error": "The model has crashed without additional information. (Exit code: 6)"},
        ),
        ("LM Studio, load fails", 400, None, {"error": "Error loading model. (Exit code: 1)"}),
        ("LM Studio, load fails, too", 400, None, told('Failed to load model "m"')),
        ("LM Studio, unloaded", 400, None, {"error": "Model is unloaded."}),
        ("Ollama, runner", 500, None, {"error": "llama runner process has terminated: exit status 2"}),
        ("LM Studio, channel", None, None, {"error": "Error: Channel Error"}),
        ("Ollama, runner", None, None, {"error": "an error was encountered while running the model: EOF"}),
        (
            "vLLM, engine",
            None,
            "InternalServerError",
            {
                "error": {
                    "message": "EngineCore encountered an issue.",
                    "type": "InternalServerError",
                    "param": None,
                    "code": 500,
                }
            },
        ),
    ],
    ("cancelled", False): [
        ("Ollama, cancelled", 499, None, {"error": "request canceled"}),
    ],
    ("upstream", False): [
        (
            "DashScope",
            None,
            "InvalidParameter",
            {"code": "InvalidParameter", "message": "no", "request_id": "r"},
        ),
        ("a string alone", None, None, {"error": "boom"}),
    ],
}
"""(Kind, whether to try again) -> rows."""

LISTED = [(kind, again, *row) for (kind, again), rows in ROWS.items() for row in rows]


@pytest.mark.parametrize(
    ("kind", "again", "status", "code", "body"),
    [pytest.param(kind, again, *row, id=f"{name} ({row[0]})") for kind, again, name, *row in LISTED],
)
def test_rows(kind: str, again: bool, status: int | None, code: str | None, body: object) -> None:  # noqa: FBT001 - a table, not called
    """PROTOCOLS 9, 11.2: kind, code, status and whether to try again, for each of them."""
    failure = failure_from(body, status)

    assert (failure.kind, failure.code, failure.retryable) == (kind, code, again)
    assert status is None or failure.status == status
    assert failure.message


@pytest.mark.parametrize(
    ("message", "names", "status", "kind"),
    [
        ("x", ["", "", "context_length_exceeded"], 500, "context_length"),
        ("x", ["NotFoundError"], 404, "model_not_found"),
        ("File not found.", ["NotFoundError"], 404, "bad_request"),
        ("Rate limit reached", [], None, "rate_limited"),
        ("the model does not fit into memory", [], 500, "upstream"),
        ("Error while loading the model", [], 503, "model_crashed"),
        ("no", ["server_error"], 400, "bad_request"),
        ("no", ["overloaded_error"], 418, "overloaded"),
        ("no", ["tool_use_failed"], 500, "bad_request"),
        ("no", ["server_error", "rate_limit_exceeded"], None, "rate_limited"),
        ("no", [], 599, "upstream"),
        ("no", [], 418, "bad_request"),
        ("no", ["new_kind"], None, "upstream"),
    ],
)
def test_what_tells_more(message: str, names: list[str], status: int | None, kind: str) -> None:
    """PROTOCOLS 9: a backend's own sure name, then its words, then the status, then any other name."""
    assert kind_of(message, names, status) == kind


@pytest.mark.parametrize("kind", get_args(FailureKind))
def test_own_kinds(kind: FailureKind) -> None:
    """P2: an error that tokenweir wrote has its kind as the type, whatever else it says."""
    assert kind_of("model x not found", [kind, "overloaded_error"], 429) == kind


@pytest.mark.parametrize(
    ("kind", "names", "status", "retryable"),
    [
        ("overloaded", [], None, True),
        ("auth", [], 500, False),
        ("bad_request", [], 409, True),
        ("upstream", [], None, False),
        ("upstream", [], 499, False),
        ("upstream", [], 500, True),
        ("upstream", ["Server_Error"], None, True),
        ("upstream", ["server_error"], 400, False),
    ],
)
def test_what_may_pass(kind: FailureKind, names: list[str], status: int | None, retryable: bool) -> None:  # noqa: FBT001 - a table, not called
    """P6: busy, crashed, or broken on the server's side: the same request may succeed later."""
    assert is_retryable(kind, names, status) is retryable
