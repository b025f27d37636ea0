"""Whose key a request has."""

import hmac

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from tokenweir.gateway import keys
from tokenweir.gateway.keys import client_of, matching, refuse_key_in_address
from tokenweir.gateway.refused import Refused

KEYS = {"phone": b"sk-phone", "laptop": "sk-\u043a\u043b\u044e\u0447".encode(), "server": b"sk-server"}


def client(*authorization: str) -> str:
    """The client that such headers let in."""
    headers = CIMultiDict[str]([("Authorization", value) for value in authorization])
    return client_of(make_mocked_request("GET", "/", headers=headers), KEYS)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Bearer sk-phone", "phone"),
        ("bearer sk-server", "server"),
        ("BEARER   sk-phone  ", "phone"),
        ("Bearer sk-\u043a\u043b\u044e\u0447", "laptop"),
    ],
)
def test_a_key_has_a_name(header: str, name: str) -> None:
    """R11: the scheme in any case, and a key of any characters."""
    assert client(header) == name


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ("",),
        ("Bearer",),
        ("Bearer ",),
        ("Bearer sk-phon",),
        ("Bearer sk-phonee",),
        ("Bearer SK-PHONE",),
        ("Bearer sk-phone, Bearer sk-server",),
        ("Basic sk-phone",),
        ("sk-phone",),
        ("Bearersk-phone",),
        ("Bearer " + "x" * 1_000_000,),
        ("Bearer sk-phone", "Bearer sk-phone"),
        ("Bearer wrong", "Bearer sk-phone"),
    ],
)
def test_whoever_has_none_is_refused(headers: tuple[str, ...]) -> None:
    """R11: none, a wrong one, two, a megabyte; nothing of it is in the answer."""
    with pytest.raises(Refused) as refused:
        client(*headers)

    assert refused.value.status == 401
    assert refused.value.headers == {"WWW-Authenticate": "Bearer"}
    assert "sk-phon" not in str(refused.value)


@pytest.mark.parametrize("given", [b"sk-phone", b"sk-server", b"sk-unknown", b"", b"s"])
def test_every_key_is_compared(given: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """S05: as many comparisons for a known key as for an unknown one, all of them over bytes, in the one
    function whose time does not tell."""
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return hmac.compare_digest(one, other)

    monkeypatch.setattr(keys, "hmac", type("Spy", (), {"compare_digest": staticmethod(compare)}))
    matching(given, KEYS)

    assert compared == [(given, key) for key in KEYS.values()]


@pytest.mark.parametrize("name", ["key", "API_KEY", "api-key", "apikey", "access_token", "token"])
def test_an_address_is_no_place_for_a_key(name: str) -> None:
    """R11: it is refused, and not repeated."""
    with pytest.raises(Refused, match="Authorization") as refused:
        refuse_key_in_address(make_mocked_request("GET", f"/v1/models?a=1&{name}=sk-phone"))

    assert refused.value.status == 400
    assert "sk-phone" not in str(refused.value)


def test_other_parameters_are_nobody_s_business() -> None:
    """A page may be asked for with a version, as pages are."""
    address = "/page.css?v=1&monkey=2"
    refuse_key_in_address(make_mocked_request("GET", address))

    assert make_mocked_request("GET", address).query["monkey"] == "2"
