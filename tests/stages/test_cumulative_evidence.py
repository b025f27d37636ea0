"""How much a resend says."""

from itertools import product, takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenweir.stages.cumulative_evidence import common_prefix, convincing, information, refrain, settling

TEXTS = st.text(alphabet=st.sampled_from("ab \né好😀"), max_size=40)
SENTENCE = "The heron stands in the shallow water, and it waits until the light is low."

SAYS_LITTLE = [
    "",
    "a",
    "aaaaaaaaaaaaaaaaaaaa",
    "hahahahahaha",
    "\n\n\n\n",
    "        ",
    "--------",
    "====",
    "0000000",
    "No" + "o" * 30,
]
SAYS_MUCH = [
    SENTENCE,
    "I am an intelligent AI assistant",
    "def main() -> None:\n    print(x)",
    "你好我是一个助手很高兴认识你。",
]


@pytest.mark.parametrize("little", SAYS_LITTLE)
@pytest.mark.parametrize("much", SAYS_MUCH)
def test_what_says_more(little: str, much: str) -> None:
    """DESIGN 4: what counts is how much information was sent again, not how many characters."""
    assert information(little) * 2 < information(much)


@given(TEXTS, TEXTS)
def test_more_text_says_no_less(text: str, more: str) -> None:
    """DESIGN 4: a longer resend is never weaker evidence than its beginning."""
    assert 0 <= information(text) <= information(text + more) + 4  # the last word or phrase may merge


@given(TEXTS)
def test_repeating_adds_next_to_nothing(text: str) -> None:
    """PROTOCOLS 8.3: text said again and again says little more than said once."""
    assert information(text * 8) <= information(text) + len(text.split()) * 4 + 8


@pytest.mark.parametrize("growths", [0, 1])
def test_one_growth_is_not_convincing(growths: int) -> None:
    """PROTOCOLS 8.3: a single resend decides nothing in mid-stream, whatever it says."""
    assert not convincing(SENTENCE * 10, growths)


def worth(much: int) -> str:
    """A text worth exactly so much: one word of so many different letters."""
    return "".join(chr(ord("A") + at) for at in range(much))


@pytest.mark.parametrize(
    ("much", "growths", "decides"),
    [
        (18, 3, True),
        (18, 2, False),
        (17, 3, False),
        (12, 8, True),
        (12, 7, False),
        (11, 1_000, False),
        (48, 2, True),
        (48, 1, False),
        (47, 2, False),
    ],
)
def test_where_it_begins_to_convince(much: int, growths: int, decides: bool) -> None:  # noqa: FBT001 - a table, not called
    """PROTOCOLS 8.3: the three thresholds, each from both sides: fewer extensions must say more."""
    assert information(worth(much)) == much
    assert convincing(worth(much), growths) is decides


def test_a_few_characters_never_convince() -> None:
    """V19: six ideographs, worth as much as twelve letters, are what two answers may begin with."""
    ideographs = SAYS_MUCH[-1]

    assert information(ideographs[:6]) == 12
    assert not convincing(ideographs[:6], 1_000)
    assert convincing(ideographs[:7], 8)


def test_a_refrain_is_one_thing_said_again() -> None:
    """V19: by the definition, for every text of two letters: a beginning of at most half of it, said again
    and again, is all of it."""
    for size in range(12):
        for text in map("".join, product("ab", repeat=size)):
            said = [text[:end] * size for end in range(1, size // 2 + 1)]
            assert refrain(text) is any(again.startswith(text) for again in said), text


@pytest.mark.parametrize("little", SAYS_LITTLE)
def test_what_says_little_never_convinces(little: str) -> None:
    """V19: repetitive text decides nothing however long it goes on."""
    assert not any(convincing(little, growths) for growths in (1, 2, 3, 8, 100, 10_000))


@pytest.mark.parametrize("much", SAYS_MUCH)
def test_what_says_much_convinces(much: str) -> None:
    """DESIGN 4: a few resends of an ordinary sentence decide."""
    assert convincing(much, 8)
    assert settling(much, 3, 4 * len(much), None)


@given(TEXTS, st.integers(0, 20), st.integers(0, 20))
def test_more_growth_never_unconvinces(text: str, growths: int, more: int) -> None:
    """DESIGN 4: evidence only grows."""
    assert not convincing(text, growths) or convincing(text, growths + more)


@pytest.mark.parametrize(
    ("resent", "sent", "tokens", "cumulative"),
    [
        (SENTENCE, 600, 20, True),
        (SENTENCE, 150, 40, False),
        (SENTENCE, 600, None, False),
        (SENTENCE, 600, 0, False),
        ("ha" * 40, 600, 20, False),
        ("", 600, 20, False),
    ],
)
def test_usage_settles(resent: str, sent: int, tokens: int | None, cumulative: bool) -> None:  # noqa: FBT001 - a table, not called
    """PROTOCOLS 8.3: the backend's own count tells the readings apart where the chunks do not."""
    assert settling(resent, 1, sent, tokens) is cumulative


@given(TEXTS, TEXTS, TEXTS)
def test_common_prefix(head: str, one: str, other: str) -> None:
    """DESIGN 4: what two texts begin with, exactly."""
    one, other = head + one, head + other
    same = list(takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))

    assert common_prefix(one, other) == len(same)
