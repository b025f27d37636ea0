"""Prose in nine languages, and what is made of it: markdown, dialogue, verse, quotations.

Law of this file: each function takes a source of chance and a size in characters, and gives one
text of about that size, made of the phrases of natural_languages.py and
natural_scripts.py.
"""

from collections.abc import Callable
from random import Random

from tests.natural_languages import ENGLISH, Language
from tests.natural_scripts import LANGUAGES

Maker = Callable[[Random, int], str]


def sentence(chance: Random, language: Language = ENGLISH) -> str:
    """One sentence."""
    parts = [
        chance.choice(language.subjects),
        chance.choice(language.predicates),
        chance.choice(language.tails),
    ]
    text = language.space.join(parts)
    if chance.random() < 0.4:
        text = chance.choice(language.openers) + language.comma + text
    return text[0].upper() + text[1:] + language.stop


def grow(chance: Random, size: int, piece: Callable[[Random], str], glue: str) -> str:
    """Pieces until the size is reached."""
    pieces: list[str] = []
    reached = 0
    while reached < size or not pieces:
        pieces.append(piece(chance))
        reached += len(pieces[-1]) + len(glue)
    return glue.join(pieces)


def paragraph(chance: Random, language: Language = ENGLISH) -> str:
    """A few sentences."""
    return language.space.join(sentence(chance, language) for _ in range(chance.randint(2, 6)))


def prose(code: str) -> Maker:
    """The maker of prose in one language: paragraphs, or for a small size sentences."""
    language = LANGUAGES[code]

    def make(chance: Random, size: int) -> str:
        if size < 200:
            return grow(chance, size, lambda dice: sentence(dice, language), language.space)
        return grow(chance, size, lambda dice: paragraph(dice, language), "\n\n")

    return make


def markdown(chance: Random, size: int) -> str:
    """Headings, lists, bold words, quotations and code spans."""
    language = LANGUAGES[chance.choice(list(LANGUAGES))] if chance.random() < 0.4 else ENGLISH

    def section(dice: Random) -> str:
        lines = [
            f"{'#' * dice.randint(1, 4)} {dice.choice(language.titles)}",
            "",
            paragraph(dice, language),
            "",
        ]
        form = dice.choice(["- **{}**: {}", "{n}. {}", "* {}", "> {}", "- [ ] {}", "  - {}", "**{}** {}"])
        for number in range(1, dice.randint(3, 7)):
            words = [dice.choice(language.subjects), sentence(dice, language)]
            lines.append(form.format(*words[-form.count("{}") :], n=number))
        if dice.random() < 0.3:
            lines += ["", "---"]
        return "\n".join(lines)

    return grow(chance, size, section, "\n\n")


def repeated_beginnings(chance: Random, size: int) -> str:
    """A list whose entries all begin alike."""
    start = chance.choice(
        ["The ", "The best ", "- The ", "I like ", "1. I ", "You can ", "SELECT ", "* ", "In the "]
    )
    return grow(
        chance,
        size,
        lambda dice: start + dice.choice(ENGLISH.tails),
        chance.choice(["\n", "\n\n", ". ", "; "]),
    )


def song(chance: Random, size: int) -> str:
    """A chorus that returns, lines that repeat, and lines that grow."""
    language = LANGUAGES[chance.choice(list(LANGUAGES))]
    line = sentence(chance, language).rstrip(language.stop)
    chorus = "\n".join([line] * chance.randint(1, 4))

    def verse(dice: Random) -> str:
        return dice.choice(
            [chorus, chorus, f"{line}, {line}", f"{line},\n{sentence(dice, language)}", "La la la"]
        )

    return grow(chance, size, verse, chance.choice(["\n", "\n\n", " "]))


def cumulative_rhyme(chance: Random, size: int) -> str:
    """Every verse tells all that was told before, and one thing more."""
    told: list[str] = []

    def verse(dice: Random) -> str:
        told.insert(0, dice.choice(ENGLISH.predicates) + " " + dice.choice(ENGLISH.tails))
        return "This is the house that " + ", that ".join(told) + "."

    return grow(chance, size, verse, chance.choice(["\n", "\n\n", " "]))


def growing_list(chance: Random, size: int) -> str:
    """Lines of which each begins with the whole line before it."""
    words = sentence(chance).split()
    count = 1
    lines: list[str] = []
    while sum(map(len, lines)) < size and count <= len(words):
        lines.append(" ".join(words[:count]))
        count += 1
    return chance.choice(["\n", "\n\n", "; "]).join(lines)


def stuck(chance: Random, size: int) -> str:
    """A model that cannot stop repeating itself."""
    again = chance.choice([sentence, paragraph])(chance, LANGUAGES[chance.choice(list(LANGUAGES))])
    return grow(chance, size, lambda _: again, chance.choice([" ", "\n", "\n\n", ""]))


def lines_to_write(chance: Random, _size: int) -> str:
    """One sentence, as many times as somebody asked for."""
    line = sentence(chance, LANGUAGES[chance.choice(list(LANGUAGES))])
    if chance.random() < 0.3:
        line = " ".join([line, sentence(chance)])
    return chance.choice(["\n", "\n", "\n", " ", "\n\n"]).join([line] * chance.randint(2, 20))


def dialogue(chance: Random, size: int) -> str:
    """Who said what, and stutters."""

    def turn(dice: Random) -> str:
        said = sentence(dice)
        if dice.random() < 0.3:
            said = f"{said[0]}-{said[0].lower()}-{said}"
        return f'{dice.choice(["Ada", "Ben", "User", "Assistant"])}: "{said}"'

    return grow(chance, size, turn, "\n")


def think_tags(chance: Random, size: int) -> str:
    """Reasoning inside the text, as local models send it."""
    body = grow(chance, max(size // 2, 1), sentence, " ")
    return f"<think>\n{body}\n</think>\n\n{grow(chance, max(size // 2, 1), sentence, ' ')}"


def leading_space(chance: Random, size: int) -> str:
    """A text that begins with whitespace, a line end or a fence."""
    start = chance.choice(
        [" ", "  ", "\n", "\n\n", "\n\n\n", "    ", "\t", "\t\t", "```\n", "\r\n", "\u3000", " \n "]
    )
    return start + grow(chance, size, sentence, " ")


PROSE: dict[str, Maker] = {
    **{f"prose {code}": prose(code) for code in LANGUAGES},
    "markdown": markdown,
    "repeated beginnings": repeated_beginnings,
    "song": song,
    "cumulative rhyme": cumulative_rhyme,
    "growing list": growing_list,
    "stuck": stuck,
    "lines to write": lines_to_write,
    "dialogue": dialogue,
    "think tags": think_tags,
    "leading space": leading_space,
}
