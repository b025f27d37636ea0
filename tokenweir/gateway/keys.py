"""Whose key a request has.

Law of this file: the one place where a client's key is compared. All keys are compared, in constant time and
as bytes, whichever fits: the time tells neither which one nor how much of it was right (fault S05). A key is
in the header `Authorization` and nowhere else; in an address it would stand in everybody's logs.
"""

import hmac
import re
from collections.abc import Mapping

from aiohttp import hdrs, web

from tokenweir.gateway.refused import Refused, bad_request
from tokenweir.pipeline.events import Failure

_BEARER = re.compile(r"bearer +(\S.*?) *", re.IGNORECASE | re.DOTALL)
_NOT_HERE = frozenset(
    {"access_token", "api-key", "api_key", "apikey", "auth", "authorization", "key", "token"}
)
_CHALLENGE = {"WWW-Authenticate": "Bearer"}


def refuse_key_in_address(request: web.BaseRequest) -> None:
    """Raise Refused where the address has a parameter that is called as a key is."""
    if any(name.lower() in _NOT_HERE for name in request.query):
        message = "a key does not belong into an address, which is logged: send Authorization: Bearer <key>"
        raise bad_request(message)


def client_of(request: web.BaseRequest, keys: Mapping[str, bytes]) -> str:
    """The name of the client whose key this request has. Raises Refused (401) where it has none of `keys`."""
    given = request.headers.getall(hdrs.AUTHORIZATION, [])
    if not given:
        raise _refused("a key is needed here: Authorization: Bearer <key>")
    form = _BEARER.fullmatch(given[0])
    if len(given) > 1 or form is None:
        raise _refused("there must be one header of the form Authorization: Bearer <key>")
    found = matching(form[1].encode("utf-8", "surrogateescape"), keys)
    if found is None:
        raise _refused("this key is not known here")
    return found


def matching(given: bytes, keys: Mapping[str, bytes]) -> str | None:
    """The name of the key that is the given one.

    >>> matching(b"right", {"phone": b"other", "laptop": b"right"})
    'laptop'
    """
    found: str | None = None
    for name, key in keys.items():
        if hmac.compare_digest(given, key):
            found = name
    return found


def _refused(message: str) -> Refused:
    return Refused(Failure("auth", message, code="invalid_api_key"), 401, headers=_CHALLENGE)
