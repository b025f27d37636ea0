"""Secrets taken out of bytes, wherever the network split them."""

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.feeding import CUTS, pieces
from tokenweir.pipeline.recording import Piece
from tokenweir.pipeline.sources.spellings import Finder, Scan
from tokenweir.record.masking import Mask

KEY = "sk-Canary/1234+abcd="


def masked(secrets: list[str], parts: list[bytes]) -> list[Piece]:
    """The pieces, masked."""
    mask = Mask(secrets)
    given_ = [piece for at, part in enumerate(parts) for piece in mask.feed(Piece(float(at), part))]
    return given_ + mask.finish()


@given(cuts=CUTS, before=st.binary(max_size=40), after=st.binary(max_size=40))
def test_cut_anywhere(cuts: list[int], before: bytes, after: bytes) -> None:
    """P24: however the bytes were split, the key is gone, and every other byte, every split point and every
    time is as it was."""
    body = before + KEY.encode() + after + KEY.encode()
    parts = [part for part in pieces(body, cuts) if part]

    out = masked([KEY], parts)

    expected = body.replace(KEY.encode(), b"*" * len(KEY))
    assert b"".join(piece.data for piece in out) == expected
    assert [(piece.at, len(piece.data)) for piece in out] == [
        (float(at), len(part)) for at, part in enumerate(parts)
    ]


@given(st.text("ab", max_size=40), st.text("ab", min_size=1, max_size=5), CUTS)
def test_a_secret_that_repeats_itself(text: str, secret: str, cuts: list[int]) -> None:
    """P24: occurrences that overlap are all masked, as if nothing had been split."""
    whole = text.encode()
    [at_once] = masked([secret], [whole]) or [Piece(0.0, b"")]

    split = masked([secret], list(pieces(whole, cuts)))

    joined = b"".join(piece.data for piece in split)
    assert joined == at_once.data
    assert secret.encode() not in joined


@pytest.mark.parametrize(
    "form",
    [
        KEY,
        json.dumps(KEY)[1:-1],
        KEY.replace("/", r"\/"),
        KEY.replace("+", r"\u002b").replace("=", r"\u003d"),
        quote(KEY, safe=""),
        quote(KEY, safe="").lower().replace("sk-canary", "sk-Canary"),
        KEY.replace("+", r"\u002B"),
        KEY.replace("+", "%2B"),
        KEY.replace("+", "&#43;").replace("/", "&#x2F;"),
        KEY.replace("+", "&plus;").replace("/", r"\\\/").replace("=", "%253D"),
    ],
)
def test_as_servers_write_it(form: str) -> None:
    """P24: escaped in JSON and in URLs, byte by byte."""
    out = masked([KEY], [bytes((byte,)) for byte in f'{{"error":"no {form}"}}'.encode()])

    assert b"".join(piece.data for piece in out) == f'{{"error":"no {"*" * len(form)}"}}'.encode()


def test_a_body_that_ends_in_the_key() -> None:
    """P24: what was cut in the middle of a key is masked too, if it tells anything of it."""
    assert masked([KEY], [b"bad key sk-Can"]) == [Piece(0.0, b"bad key ******")]
    assert masked([KEY], [b"so it s"]) == [Piece(0.0, b"so it s")]


def test_what_is_sure_goes_out_at_once() -> None:
    """P15: one piece is held, and what could be the rest of one secret; nothing where there is none."""
    mask = Mask([KEY])

    assert mask.feed(Piece(0.0, b"plain")) == [Piece(0.0, b"plain")]
    assert mask.feed(Piece(1.0, b"and sk-")) == []
    assert mask.feed(Piece(2.0, b"iing")) == [Piece(1.0, b"and sk-"), Piece(2.0, b"iing")]
    assert Mask([]).feed(Piece(3.0, b"sk-")) == [Piece(3.0, b"sk-")]


def test_characters_outside_ascii() -> None:
    """P24: as they are, as JSON escapes them, and as URLs do."""
    for form in ("schlüssel", r"schl\u00fcssel", r"schl\u00FCssel", "schl%C3%BCssel"):
        size = len(form.encode())

        assert masked(["schlüssel"], [bytes((byte,)) for byte in form.encode()]) == [
            Piece(float(at), b"*") for at in range(size)
        ]


def test_text_that_stands_alone() -> None:
    """P24: headers and messages."""
    assert Mask([KEY]).text(f"bearer {KEY}.") == f"bearer {'*' * len(KEY)}."


def test_a_long_secret_in_small_pieces_costs_no_more_looks_than_it_has_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """P9: what may be a secret is looked at again when there is twice as much of it, and at the end."""
    looked = list[int]()
    scan = Finder.scan

    def counted(self: Finder, data: bytes, begin: int = 0) -> Scan:
        looked.append(len(data) - begin)
        return scan(self, data, begin)

    monkeypatch.setattr(Finder, "scan", counted)
    secret = "".join(map(str, range(1000)))
    mask, data = Mask([secret]), (secret + " ").encode() * 3
    out = [piece for at in range(len(data)) for piece in mask.feed(Piece(0.0, data[at : at + 1]))]
    out += mask.finish()

    assert b"".join(piece.data for piece in out) == (b"*" * len(secret) + b" ") * 3
    assert sum(looked) < 20 * len(data)
