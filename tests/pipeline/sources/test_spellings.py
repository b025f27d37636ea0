"""Every spelling of a secret is found, wherever the bytes end; and nothing else is."""

import html
import json
from collections.abc import Callable
from itertools import product
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenweir.pipeline.sources.spellings import Finder, Scan, finder

KEY = "sk-Canary/12+ab="
SECRETS = (
    KEY,
    "+/=+/=",
    r'q"uo\te',
    "aa'aa&%<",
    "schlüssel😀",
    "a b  c",
    "\\\\/\\/",
    "%25%2525",
    "&amp;&",
    "a",
    "ab",
)

Write = Callable[[str], str]

WRITERS: tuple[Write, ...] = (
    str,
    lambda one: json.dumps(one)[1:-1],
    lambda one: json.dumps(json.dumps(one))[3:-3],
    lambda one: one if one.isalnum() else "\\" + one,
    lambda one: "".join(f"\\u{unit}" for unit in one.encode("utf-16-be").hex(" ", 2).split(" ")),
    lambda one: "".join(f"\\u{unit.upper()}" for unit in one.encode("utf-16-be").hex(" ", 2).split(" ")),
    lambda one: "".join(f"\\\\u{unit}" for unit in one.encode("utf-16-be").hex(" ", 2).split(" ")),
    lambda one: quote(one, safe=""),
    lambda one: quote(one, safe="").lower() if quote(one, safe="") != one else one,
    lambda one: quote(quote(one, safe=""), safe=""),
    lambda one: "".join(f"%{octet:02X}" for octet in one.encode()),
    html.escape,
    lambda one: html.escape(html.escape(one)),
    lambda one: f"&#{ord(one)};",
    lambda one: f"&#{ord(one):03};",
    lambda one: f"&#x{ord(one):02x};",
    lambda one: f"&#X{ord(one):04X};",
    lambda one: {"/": "&sol;", "+": "&plus;", "=": "&equals;"}.get(one, one),
)
"""How servers write a character."""


@st.composite
def spelled(draw: st.DrawFn) -> tuple[str, bytes]:
    """A secret, and a text that spells it, each character in a way of its own."""
    secret = draw(st.sampled_from(SECRETS))
    return secret, "".join(draw(st.sampled_from(WRITERS))(one) for one in secret).encode()


@given(spelled(), st.binary(max_size=20), st.binary(max_size=20))
def test_every_spelling_is_found(case: tuple[str, bytes], before: bytes, after: bytes) -> None:
    """P24: whatever stands around it."""
    secret, text = case

    found = Finder(secret).scan(before + text + after).found

    assert any(begin <= len(before) and len(before) + len(text) <= end for begin, end in found)
    assert all(begin < end <= len(before + text + after) for begin, end in found)


@given(spelled(), st.binary(max_size=20), st.integers(0, 200))
def test_every_beginning_is_seen(case: tuple[str, bytes], before: bytes, cut: int) -> None:
    """P24: a text that ends within a secret may go on with the rest of it."""
    secret, text = case
    size = min(cut, len(text) - 1)

    scan = Finder(secret).scan(before + text[:size])

    assert scan.begun <= len(before) or size == 0 or _is_whole(scan, len(before), size)


def _is_whole(scan: Scan, at: int, size: int) -> bool:
    """A secret is over within its own longer spelling: `&` within `&amp;`."""
    return any(begin <= at and at + size <= end for begin, end in scan.found)


@given(st.text("sk-Can %&\\", max_size=60))
def test_nothing_else_is_found(text: str) -> None:
    """What is no secret stays, and is held only while it may become one."""
    scan = Finder(KEY).scan(text.encode())

    assert scan.found == []
    assert scan.begun == len(text) or text[scan.begun] in "s%&\\"


@pytest.mark.parametrize("name", ["\\u002B", "%2B", "&#43;", "&#x2b;", "&plus;", "+", "\\+"])
def test_one_escaped_and_its_neighbours_not(name: str) -> None:
    """P24: servers differ in what they escape."""
    for slash, equals in product(["/", r"\/", "%2f", "&#x2F;", "&sol;"], ["=", r"\u003d", "%3D", "&#61;"]):
        text = f"sk-Canary{slash}12{name}ab{equals}".encode()

        assert Finder(KEY).scan(b"no " + text + b"!") == Scan([(3, 3 + len(text))], len(text) + 4)


def test_at_the_very_end() -> None:
    """It is whole with its last byte: nothing is waited for."""
    assert Finder(KEY).scan(KEY.encode()) == Scan([(0, len(KEY))], len(KEY))


def test_overlapping() -> None:
    """Each occurrence, also one that begins in another."""
    assert Finder("abab").scan(b"ababab aba").found == [(0, 4), (2, 6)]
    assert Finder("abab").scan(b"ababab aba").begun == 7
    assert Finder("abab").scan(b"ababab aba", 1).found == [(2, 6)]


def test_many_readings_of_one_text() -> None:
    """Backslashes that mean backslashes can be counted off in more ways than can be tried one by one."""
    assert Finder("\\" * 16 + "x").scan(b"\\" * 400) == Scan([], 400 - 16 * 5 - 4)


def test_a_finder_is_made_once() -> None:
    """P15: each request asks for it."""
    assert finder(KEY) is finder(KEY)
