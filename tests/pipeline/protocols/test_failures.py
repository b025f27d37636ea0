"""Every backend's way of saying "no" becomes one normalised failure."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenweir.pipeline.events import FailureKind
from tokenweir.pipeline.protocols.failures import (
    DEPTH,
    MESSAGE_LIMIT,
    failure_from,
    is_error,
    says_error,
    unescaped_error,
)
from tokenweir.pipeline.protocols.openai_bodies import error_body

N_KEEP = (
    "The number of tokens to keep from the initial prompt is greater than the context length "
    "(n_keep: 13055>= n_ctx: 4096)."
)
NO_MODEL = 'Model "default" not found. Please specify a valid model.\n\nYour models:\n\n  a\n'

SEEN: dict[str, tuple[Any, int | None, str]] = {
    # LM Studio
    "model not found": (
        {"message": NO_MODEL, "type": "invalid_request_error", "param": "model", "code": "model_not_found"},
        404,
        "model_not_found",
    ),
    "no models loaded": (
        {"error": {"message": "No models loaded. Please load a model"}},
        404,
        "model_not_found",
    ),
    "context as a string": ({"error": N_KEEP}, 400, "context_length"),
    "context in the stream": ({"message": "Input does not fit in context length."}, None, "context_length"),
    "crash": (
        {"error": "The model has crashed without additional information. (Exit code: 1)"},
        400,
        "model_crashed",
    ),
    "channel error": ({"error": "Error: Channel Error"}, None, "model_crashed"),
    "failed load": ({"error": {"message": 'Failed to load model "a"'}}, 400, "model_crashed"),
    "unloaded": ({"error": "Model is unloaded."}, 400, "model_crashed"),
    "engine": ({"error": 'Engine protocol predict stream returned an error: {"code":500}'}, None, "upstream"),
    # Ollama
    "Ollama model": ({"error": "model 'x' not found"}, 404, "model_not_found"),
    "Ollama pull": ({"error": 'model "x" not found, try pulling it first'}, None, "model_not_found"),
    "Ollama busy": (
        {"error": "server busy, please try again.  maximum pending requests exceeded"},
        503,
        "overloaded",
    ),
    # llama-server
    "loading": (
        {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}},
        503,
        "model_loading",
    ),
    "loading in the stream": (
        {"message": "Loading model", "type": "unavailable_error", "code": 503},
        None,
        "model_loading",
    ),
    "key": (
        {"error": {"message": "Invalid API Key", "type": "authentication_error", "code": 401}},
        401,
        "auth",
    ),
    "too long": (
        {
            "error": {
                "code": 400,
                "message": "the request exceeds the size",
                "type": "exceed_context_size_error",
            }
        },
        400,
        "context_length",
    ),
    "path": (
        {"error": {"message": "File Not Found", "type": "not_found_error", "code": 404}},
        404,
        "bad_request",
    ),
    "bad": (
        {"error": {"message": "'messages' is required", "type": "invalid_request_error"}},
        400,
        "bad_request",
    ),
    # vLLM
    "vLLM model": (
        {
            "error": {
                "message": "The model `x` does not exist.",
                "type": "NotFoundError",
                "param": "model",
                "code": 404,
            }
        },
        404,
        "model_not_found",
    ),
    "vLLM flat": (
        {"object": "error", "message": "bad", "type": "BadRequestError", "code": 400},
        None,
        "bad_request",
    ),
    "vLLM dead": (
        {
            "message": "EngineCore encountered an issue.",
            "type": "InternalServerError",
            "param": None,
            "code": 500,
        },
        None,
        "model_crashed",
    ),
    "Unauthorized": ({"error": "Unauthorized"}, 401, "auth"),
    # mlx_lm, transformers
    "mlx": (
        {"error": "Cannot find an appropriate cached snapshot folder for the revision"},
        404,
        "model_not_found",
    ),
    "text": ("Not Found", 404, "bad_request"),
    "pinned": ({"detail": "Server is pinned to x"}, 400, "bad_request"),
    "detail list": ({"detail": [{"loc": ["body"], "msg": "field required"}]}, 422, "bad_request"),
    "internal": ("Internal Server Error", 500, "upstream"),
    # hosted
    "context": ({"error": {"message": "too many", "code": "context_length_exceeded"}}, 400, "context_length"),
    "rate": ({"error": {"message": "slow down", "type": "rate_limit_error"}}, 429, "rate_limited"),
    "rate in the stream": ({"code": 429, "message": "slow down"}, None, "rate_limited"),
    "overloaded": (
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
        529,
        "overloaded",
    ),
    "credits": ({"error": {"code": 402, "message": "Insufficient credits"}}, 402, "auth"),
    "exhausted": (
        [{"error": {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED"}}],
        429,
        "rate_limited",
    ),
    "tool": ({"error": {"message": "Failed to call", "code": "tool_use_failed"}}, None, "bad_request"),
    "HTML": ("<html><h1>502 Bad Gateway</h1></html>", 502, "upstream"),
}


@pytest.mark.parametrize(("error", "status", "kind"), SEEN.values(), ids=SEEN)
def test_bodies_seen(error: object, status: int | None, kind: str) -> None:
    """PROTOCOLS 9: bodies that real servers sent, at the HTTP status they came with or in a stream."""
    assert failure_from(error, status).kind == kind


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ({"error": {"message": "a", "detail": "b"}}, "a"),
        ({"error": {"message": "a"}, "message": "b"}, "a"),
        ({"error": "a", "message": "b"}, "b"),
        (["a"], "a"),
        ([["a"]], "a"),
        ({"detail": [{"msg": "a"}, {"msg": "b"}]}, "a; b"),
        ([{"error": {"message": "a"}}], "a"),
        ([{"message": "a"}, {"message": "b"}], "a; b"),
        ({"title": " a\n"}, "a"),
        ("  a ", "a"),
        ({"message": {"message": "a"}}, "a"),
        ({"message": "a\ud83d"}, "a\ufffd"),
        ({}, "the backend reported an error"),
        (None, "the backend reported an error"),
        ({"message": 5}, "the backend reported an error"),
        ("x" * 5000, "x" * MESSAGE_LIMIT),
        ({"error": '{"error": {"message": "a"}}'}, "a"),
        ({"error": 'it said {"message": "a"}'}, 'it said {"message": "a"}'),
        ({"error": "{a}"}, "{a}"),
        ({"error": '{"a": 1}'}, '{"a": 1}'),
        ({"error": "{" * 5000 + "}"}, "{" * MESSAGE_LIMIT),
        ("<html>\n<head><title> 502 Bad Gateway </title></head>", "502 Bad Gateway"),
        ("<html><body><h1 class='x'>Oops</h1>", "Oops"),
        ("<html>Oops", "<html>Oops"),
        ("1 < 2 <title>a</title>", "1 < 2 <title>a</title>"),
    ],
)
def test_the_message(error: object, message: str) -> None:
    """PROTOCOLS 9: the message stands in one of five places; it is never empty, and bounded."""
    assert failure_from(error).message == message


def test_the_message_of_a_status() -> None:
    """PROTOCOLS 9: an empty body leaves the status to tell."""
    assert failure_from("", 502).message == "HTTP 502"


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        ({"code": 502, "message": "a"}, None, ("502", 502, True)),
        ({"code": 502, "message": "a"}, 400, ("502", 400, False)),
        ({"type": "server_error", "code": 500, "message": "a"}, None, ("server_error", 500, True)),
        ({"code": "x", "type": "y"}, 400, ("x", 400, False)),
        ({"status": "UNAVAILABLE", "code": 503}, 503, ("UNAVAILABLE", 503, True)),
        ({"code": 7}, None, ("7", None, False)),
        ({"code": True, "status_code": 429}, None, (None, 429, True)),
        ({"message": "Loading model"}, None, (None, None, True)),
        ({"code": "a\udc00"}, 408, ("a\ufffd", 408, True)),
        ({"code": "429", "message": "a"}, None, ("429", 429, True)),
        ({"code": "4290", "message": "a"}, None, ("4290", None, False)),
        ({"statusCode": 503, "message": "a"}, None, (None, 503, True)),
        ({"code": 399}, None, ("399", None, False)),
        ({"code": 600}, None, ("600", None, False)),
        ({"message": 'no: {"code": 502}'}, None, ("502", 502, True)),
        ({"status": 400, "message": "a"}, None, (None, 400, False)),
        ({"status": "502", "message": "a"}, None, ("502", 502, True)),
        ({"message": 'no: {"code": 502}', "code": "x"}, 400, ("x", 400, False)),
        ({"message": 'no: {"code": 502} and more'}, None, (None, None, False)),
    ],
)
def test_code_status_and_retry(
    error: object, status: int | None, told: tuple[str | None, int | None, bool]
) -> None:
    """PROTOCOLS 9, P6: the backend's own code and status are kept; what may pass by itself is retryable."""
    failure = failure_from(error, status)

    assert (failure.code, failure.status, failure.retryable) == told


def test_what_stands_elsewhere_tells_the_kind() -> None:
    """PROTOCOLS 9: a status as a word, and what OpenRouter passes on of its provider."""
    behind = {"message": "Provider returned error", "metadata": {"raw": '{"m": "context length"}'}}

    assert failure_from({"message": "a", "status": "RESOURCE_EXHAUSTED"}).kind == "rate_limited"
    assert failure_from(behind).kind == "context_length"
    assert failure_from(behind).message == "Provider returned error"


def test_the_raw_error_is_kept() -> None:
    """DESIGN 3: what the backend sent is there as raw JSON, in valid Unicode."""
    assert (
        bytes(failure_from({"message": "a", "n": 10**30}).native or b"") == b'{"message":"a","n":%d}' % 10**30
    )
    assert bytes(failure_from("\ud83d").native or b"") == '"\ufffd"'.encode()


@pytest.mark.parametrize("kind", get_args(FailureKind))
def test_what_tokenweir_itself_wrote(kind: FailureKind) -> None:
    """P2: an error that this project's own encoder wrote keeps its kind, whatever its words are."""
    body = error_body(
        failure_from({"type": kind, "message": "model x not found", "code": "overloaded_error"})
    )

    assert failure_from(body["error"]).kind == kind
    assert is_error(body)


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        ({"error": "a"}, True),
        ({"error": {}}, False),
        ({"error": None}, False),
        ({"object": "error"}, True),
        ({"type": "error"}, True),
        ({"detail": "a"}, True),
        ({"detail": "a", "id": 1}, False),
        ({"code": "InvalidParameter", "message": "a", "request_id": "r"}, True),
        ({"code": 500, "message": "a", "choices": None}, False),
        ({"code": 500, "message": {"role": "assistant"}}, False),
        ({"code": 200, "message": "ok"}, False),
        ({"code": "200", "message": "ok"}, False),
        ({"code": 0, "message": "ok"}, False),
        ({"code": "", "message": "ok"}, False),
        ({"code": None, "message": "a"}, False),
        ({"message": "a"}, False),
        ({"error": {"message": None, "code": ""}}, False),
        ([{"error": {"message": "a"}}, 1], True),
        ([1], False),
        ([], False),
        ({"choices": [], "error": "a"}, False),
        ({"choices": []}, False),
        ("error", False),
        (None, False),
    ],
)
def test_is_error(payload: object, error: bool) -> None:  # noqa: FBT001 - a table, not called
    """V15: payloads that are an error and nothing else; beside choices the decoder looks at them first."""
    assert is_error(payload) is error


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("no", True),
        ({"message": "no"}, True),
        ({"new": 1}, True),
        (["no"], True),
        (True, True),
        (None, False),
        (False, False),
        ("", False),
        ({}, False),
        ([], False),
        ({"code": None, "message": ""}, False),
        ({"code": 0, "details": []}, False),
    ],
)
def test_says_error(value: object, error: bool) -> None:  # noqa: FBT001 - a table, not called
    """V15: a key that is always there, and empty where all is well, is no error."""
    assert says_error(value) is error


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"error": "a "b" c"}', 'a "b" c'),
        (b' {"error":"a\nb"} ', "a\nb"),
        (b'{"error": "a\xff', "a\ufffd"),
        (b'{ "detail" : "C:\\x"}', "C:\\x"),
        (b'{"error": ""}', ""),
        (b'{"error": "  a" }', "  a"),
        (b'{"error": "a"\n}\n', "a"),
        (b'{"error": {"message": "a"', None),
        (b'{"other": "a"', None),
        (b"error", None),
        (b"", None),
    ],
)
def test_unescaped_error(data: bytes, message: str | None) -> None:
    """PROTOCOLS 11.4: transformers writes the message between quotes as it is."""
    assert unescaped_error(data) == message


@pytest.mark.parametrize("depth", [3, DEPTH - 1, DEPTH, 50, 700, 5000])
def test_nested_messages(depth: int) -> None:
    """V11: a message is looked for to a depth, and no nesting raises."""
    deep: Any = "a"
    for number in range(depth):
        deep = [deep] if number % 2 else {"detail": deep}

    told = failure_from({"detail": deep, "code": 500}).message
    assert told == ("a" if depth < DEPTH else "the backend reported an error")


ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["\ud83d", "error"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "message", "detail", "code", "type", "status", "msg"]),
            inner,
            max_size=4,
        )
    ),
)


@given(ANYTHING, st.none() | st.integers(100, 599))
def test_anything(error: Any, status: int | None) -> None:
    """V12: whatever stands where an error stands, a failure comes of it, in valid Unicode."""
    failure = failure_from(error, status)

    assert failure.message.strip()
    assert failure.message.encode()
    assert (failure.code or "").encode() is not None


@pytest.mark.parametrize("message", ["model " * 200_000, "not found " * 100_000, "x" * 2_000_000])
def test_long_messages(message: str) -> None:
    """P9: a message without end is looked at in part."""
    assert failure_from({"message": message}).message == message.strip()[:MESSAGE_LIMIT]
