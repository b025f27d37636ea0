"""From a failure to what an HTTP client is told."""

from typing import get_args

import msgspec
import pytest
from openai import types as openai_types

from tokenweir.gateway.refused import Refused, bad_request, error_of, refused_by, response_to, status_of
from tokenweir.pipeline.errors import RequestError
from tokenweir.pipeline.events import Failure, FailureKind


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("bad_request", 400),
        ("context_length", 400),
        ("model_not_found", 404),
        ("limit", 413),
        ("rate_limited", 429),
        ("connect", 502),
        ("auth", 502),
        ("model_loading", 503),
        ("overloaded", 503),
        ("shutting_down", 503),
        ("timeout", 504),
        ("stage", 500),
    ],
)
def test_the_status_says_whose_fault_it_is(kind: FailureKind, status: int) -> None:
    """The backend's refusal of our own key is a bad gateway, and no 401 for the client."""
    assert status_of(Failure(kind, "x")) == status


def test_every_kind_has_a_status() -> None:
    """None is forgotten, and each says an error."""
    assert all(400 <= status_of(Failure(kind, "x")) < 600 for kind in get_args(FailureKind))


@pytest.mark.parametrize(("after", "said"), [(None, "1"), (0.2, "1"), (7.1, "8")])
def test_who_may_come_again_is_told_when(after: float | None, said: str) -> None:
    """`Retry-After` is a whole number of seconds, and at least one."""
    busy = Refused(Failure("overloaded", "busy", retry_after=after))

    assert (busy.status, busy.headers) == (503, {"Retry-After": said})
    assert Refused(Failure("model_not_found", "x")).headers == {}


def test_the_body_is_openai_s() -> None:
    """All four fields; the message is text, never empty, and no control sequence (R08)."""
    refused = bad_request("no \x1b[31mred\x1b[0m\r\nmodel", "model", code="bad\x00")
    error = error_of(refused)["error"]

    assert set(error) == {"message", "type", "param", "code"}
    assert error["param"] == "model"
    assert error["type"] == "invalid_request_error"
    assert not any(ord(letter) < 32 and letter != "\n" for letter in error["message"] + error["code"])
    assert error_of(Refused(Failure("upstream", "")))["error"]["message"] == "upstream"
    assert openai_types.ErrorObject.model_validate(error).message == error["message"]


def test_a_message_does_not_grow_without_end() -> None:
    """R08: a name of 10 KiB is cut."""
    assert len(error_of(bad_request("x" * 100_000))["error"]["message"]) == 2000


def test_the_response_is_json_that_nobody_caches() -> None:
    """With the refusal's own headers."""
    response = response_to(Refused(Failure("rate_limited", "slow down", retry_after=3)))

    assert (response.status, response.content_type) == (429, "application/json")
    assert response.headers["Retry-After"] == "3"
    assert response.headers["Cache-Control"] == "no-store"
    assert isinstance(response.body, bytes)
    assert msgspec.json.decode(response.body)["error"]["type"] == "rate_limit_error"


def test_what_a_backend_refused_keeps_its_words() -> None:
    """Its message lists what there is."""
    refused = refused_by(RequestError(Failure("model_not_found", "there is no 'x'; available: a, b")))

    assert (refused.status, str(refused)) == (404, "there is no 'x'; available: a, b")
