"""Web pages that may ask."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from tokenweir.gateway.origin import is_preflight, may_ask, open_to, permission

PAGE = "https://chat.example.org"


@pytest.mark.parametrize(
    ("origins", "expected"),
    [
        ([], True),
        ([PAGE], True),
        (["HTTPS://Chat.Example.org"], True),
        (["http://localhost:3000"], True),
        (["https://localhost:3000"], True),
        (["http://localhost"], False),
        (["http://localhost:3001"], False),
        (["http://localhost:3000.evil.test"], False),
        (["https://chat.example.org.evil.test"], False),
        (["http://chat.example.org"], False),
        (["https://chat.example.org:8443"], False),
        (["null"], False),
        (["file://"], False),
        (["chrome-extension://abc"], False),
        ([""], False),
        ([PAGE, PAGE], False),
    ],
)
def test_whose_page_may_ask(origins: list[str], *, expected: bool) -> None:
    """S02: its own and those of the list, exactly; programs send none."""
    assert may_ask(origins, "localhost:3000", [PAGE]) is expected


def test_null_is_nobody_s_name() -> None:
    """Not even where somebody lists it: every sandboxed page has it."""
    assert not may_ask(["null"], "localhost", ["null"])


def opened(origin: str | None, allowed: list[str]) -> dict[str, str]:
    """The headers that a page's answer gets."""
    headers = {} if origin is None else {"Origin": origin}
    response = web.Response(headers={"Vary": "Accept"})
    open_to(make_mocked_request("GET", "/", headers=headers), response, allowed)
    return {name: ", ".join(response.headers.getall(name)) for name in response.headers}


def test_only_a_page_of_the_list_may_read() -> None:
    """P26: without a list there is no header at all, and caches keep answers for pages apart."""
    assert opened(PAGE, [PAGE])["Access-Control-Allow-Origin"] == PAGE
    assert "Access-Control-Allow-Origin" not in opened("https://other.test", [PAGE])
    assert opened(None, [PAGE])["Vary"] == "Accept, Origin"
    assert opened(PAGE, []) == opened(None, [])
    assert opened(PAGE, [])["Vary"] == "Accept"


@pytest.mark.parametrize(
    ("method", "headers", "expected"),
    [
        ("OPTIONS", {"Origin": PAGE, "Access-Control-Request-Method": "POST"}, True),
        ("OPTIONS", {"Origin": PAGE}, False),
        ("OPTIONS", {"Access-Control-Request-Method": "POST"}, False),
        ("POST", {"Origin": PAGE, "Access-Control-Request-Method": "POST"}, False),
    ],
)
def test_what_a_preflight_is(method: str, headers: dict[str, str], *, expected: bool) -> None:
    """A browser's question, and no other OPTIONS (D16)."""
    assert is_preflight(make_mocked_request(method, "/", headers=headers)) is expected


def test_the_permission_names_no_cookie() -> None:
    """Credentials of a browser are never asked for: a key is sent by the page's own script."""
    headers = permission().headers

    assert "Authorization" in headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in headers
