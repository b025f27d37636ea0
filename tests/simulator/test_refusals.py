"""The answers that are no stream."""

import msgspec
import pytest

from tokenweir.simulator import refusals
from tokenweir.simulator.ask import BadAsk
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.refusals import Refusal, by_fault


def error_of(refusal: Refusal | None) -> dict[str, object]:
    """What stands under `error`."""
    assert refusal is not None
    error: dict[str, object] = msgspec.json.decode(refusal.body)["error"]
    return error


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("json-error", 200, None),
        ("status-500", 500, None),
        ("status-404", 404, "model_not_found"),
        ("status-429", 429, "rate_limit_exceeded"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_errors_are_in_openai_s_form(fault: str, status: int, code: str | None, *, stream: bool) -> None:
    """U17, U19: four fields, the message a string that is not empty."""
    refusal = by_fault(Quirks(fault=fault), "m", stream=stream)
    error = error_of(refusal)

    assert refusal is not None
    assert refusal.status == status
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["code"] == code
    assert error["message"]
    assert refusal.headers["Content-Type"].startswith("application/json")


def test_rate_limits_say_when_to_come_back() -> None:
    """U18: Retry-After in whole seconds."""
    refusal = by_fault(Quirks(fault="status-429"), "m", stream=True)

    assert refusal is not None
    assert refusal.headers["Retry-After"] == "2"


def test_lm_studio_lists_its_models() -> None:
    """PROTOCOLS 9: the message ends with the models that there are."""
    quirks = Quirks(provider="lmstudio", fault="status-404", models=("qwen", "gemma"))
    error = error_of(by_fault(quirks, "default", stream=True))

    assert error["message"] == (
        'Model "default" not found. Please specify a valid model.\n\nYour models:\n\nqwen\ngemma\n'
    )
    assert (error["param"], error["code"]) == ("model", "model_not_found")


def test_a_proxy_s_page_is_html() -> None:
    """U20: 200, and nothing of an event stream about it."""
    refusal = by_fault(Quirks(fault="html"), "m", stream=True)

    assert refusal is not None
    assert (refusal.status, refusal.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert refusal.body.startswith(b"<!DOCTYPE html>")


def test_an_error_in_the_middle_is_a_500_where_there_is_no_middle() -> None:
    """A one-shot answer cannot break half way and say so."""
    quirks = Quirks(fault="error")

    assert by_fault(quirks, "m", stream=True) is None
    assert error_of(by_fault(quirks, "m", stream=False))["type"] == "server_error"


def test_loading_is_llama_server_s_body() -> None:
    """PROTOCOLS 9: 503 with these words; it sends no Retry-After."""
    assert error_of(refusals.loading()) == {
        "message": "Loading model",
        "type": "unavailable_error",
        "code": 503,
    }
    assert "Retry-After" not in refusals.loading().headers


def test_a_bad_request_names_its_field() -> None:
    """R07: 400, and the field under `param`."""
    refusal = refusals.bad_request(BadAsk("wrong", "n"))

    assert refusal.status == 400
    assert error_of(refusal) == {
        "message": "wrong",
        "type": "invalid_request_error",
        "param": "n",
        "code": None,
    }


def test_an_unknown_path_is_named() -> None:
    """R13: what was asked for stands in the message."""
    assert error_of(refusals.no_such_path("openai", 404, "GET", "/v2"))["message"] == "Invalid URL (GET /v2)"
