"""Which of LM Studio's faces a request is for."""

from typing import Any

import pytest

from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.request import Request
from tokenweir.pipeline.sources.lmstudio_faces import is_for_rest, is_too_old, rest_body

USER = {"role": "user", "content": "Hi"}
SYSTEM = {"role": "system", "content": "Be brief."}
ASSISTANT = {"role": "assistant", "content": "Yes?"}
TOOL = {"type": "function", "function": {"name": "look"}}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}


def request(*messages: Any, model: str | None = "m", stream: bool = True, **options: Any) -> Request:
    """A request; one user message where none is given."""
    return Request(messages or (USER,), model, stream, options)


@pytest.mark.parametrize(
    "served",
    [
        request(),
        request(SYSTEM, USER, USER, temperature=0.5, top_p=0.9, min_p=0.1, reasoning_effort="low"),
        request(tools=[], tool_choice="auto", n=1, seed=None),
        request(stream_options={"include_usage": True}, user="u"),
        request(ASSISTANT, model=None, previous_response_id="resp_1"),
        request(context_length=4096, max_tokens=5),
        request(USER, ASSISTANT, store=True),
        request(store=False, integrations=[]),
    ],
)
def test_rest_serves_it(served: Request) -> None:
    """As well as the other face, or it alone."""
    assert is_for_rest(served)


@pytest.mark.parametrize(
    "other",
    [
        request(USER, ASSISTANT, USER),
        request(USER, SYSTEM),
        request(USER, ASSISTANT, USER, store=False, integrations=[]),
        request(max_tokens=5, store=False),
        request({"role": "user", "content": [IMAGE]}),
        request(tools=[TOOL]),
        request(max_tokens=5),
        request(stop="x"),
        request(n=2),
        request(news=1),
        request(stream=False),
        request(model=None),
        request(model="local-model"),
    ],
)
def test_the_openai_face_serves_it(other: Request) -> None:
    """What REST v1 cannot take, cannot tell, or does not know."""
    assert not is_for_rest(other)


def test_the_server_keeps_nothing_unasked() -> None:
    """Its own default keeps every conversation."""
    assert rest_body(request())["store"] is False
    assert rest_body(request(store=True))["store"] is True
    assert "store" not in rest_body(request(previous_response_id="resp_1"))


@pytest.mark.parametrize(
    ("failure", "old"),
    [
        (Failure("bad_request", "HTTP 404: Cannot POST /api/v1/chat", status=404), True),
        (
            Failure("upstream", "Unexpected endpoint or method. (POST /api/v1/chat). Returning 200"),
            True,
        ),
        (Failure("model_not_found", "HTTP 404: Unexpected endpoint or method.", status=404), True),
        (Failure("model_not_found", 'HTTP 404: Model "x" not found', status=404), False),
        (Failure("bad_request", "HTTP 400: no", status=400), False),
    ],
)
def test_an_older_one_says_so(failure: Failure, *, old: bool) -> None:
    """By its status, or by its words; a missing model says nothing of the face."""
    assert is_too_old(failure) is old
