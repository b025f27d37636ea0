# ruff: noqa: RUF001 - these are texts in other scripts: their letters are meant
"""What looks cumulative and is not: ladders, laughter, counting, very short answers.

Law of this file: as natural_prose.py. Each of them is something that people really ask models for,
or that models really do.
"""

from random import Random

from tests.natural_prose import Maker, sentence
from tests.natural_scripts import LANGUAGES
from tests.natural_signs import EMOJI

LAUGHS = (
    "ha",
    "Ha",
    "haha",
    "na",
    "na ",
    "la ",
    "lol ",
    "哈",
    "ха",
    "хаха",
    "www",
    "ㅋ",
    "ه",
    "jaja",
    "ho ",
    "No",
    "no, ",
    "😂",
)

WORDS = (
    "HELLO",
    "Linux",
    "banana",
    "Donaudampfschiff",
    "привет",
    "Photosynthesis",
    "abcdefghij",
    "12345678",
    "こんにちは",
)


def short(chance: Random, _size: int) -> str:
    """One word, one number, one sign."""
    language = LANGUAGES[chance.choice(list(LANGUAGES))]
    number = str(chance.randint(0, 10 ** chance.randint(1, 9)))
    return chance.choice(
        [
            chance.choice(language.short),
            number,
            number + ".",
            chance.choice(EMOJI),
            "A",
            "\n",
            " ",
            "{}",
            "[]",
        ]
    )


def empty(_chance: Random, _size: int) -> str:
    """Nothing at all."""
    return ""


def laughter(chance: Random, size: int) -> str:
    """Laughter and refrains, with or without an end."""
    text = chance.choice(LAUGHS) * max(2, min(size, 300) // 4)
    return text + chance.choice(["", "!", "!!!", "...", " " + sentence(chance), "\n" + sentence(chance), "h"])


def stretched(chance: Random, size: int) -> str:
    """`Noooo`: one letter drawn out, then more."""
    word = chance.choice(["No", "Aaargh", "so", "yes", "Goal", "Mmm", "ok"])
    return (
        word
        + word[-1] * min(size, 200)
        + chance.choice(["", "!", "!!!", ", " + sentence(chance), "\n" + sentence(chance)])
    )


def numbers(chance: Random, size: int) -> str:
    """Counting, powers, decimals, Roman numerals, binary."""
    start, step = chance.randint(0, 20), chance.choice([1, 1, 2, 10, 11, 111])
    glue = chance.choice([", ", " ", "\n", ",", "", "\n\n"])
    pattern = chance.choice(["count", "powers", "binary", "pi", "roman", "ones"])
    if pattern == "pi":
        return "3." + "".join(chance.choice("0123456789") for _ in range(size))
    if pattern == "roman":
        return glue.join(["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"])
    reach = max(2, min(size // 4, 300))
    if pattern == "ones":
        return glue.join("1" * length for length in range(1, min(reach, 40)))
    if pattern == "powers":
        return glue.join(str(chance.choice([2, 10]) ** power) for power in range(min(reach, 40)))
    return glue.join(
        f"{value:b}" if pattern == "binary" else str(value)
        for value in range(start, start + reach * step, step)
    )


def ladder(chance: Random, _size: int) -> str:
    """A word spelled out step by step, one step a line."""
    word = chance.choice(WORDS)
    steps = [word[:length] for length in range(1, len(word) + 1)]
    if chance.random() < 0.3:
        steps += steps[-2::-1]
    return chance.choice(["\n", " ", ", ", " -> ", "\n\n"]).join(steps)


def spelling(chance: Random, _size: int) -> str:
    """A word spelled with signs between its letters."""
    word = chance.choice(WORDS)
    return chance.choice(["-", " ", ". ", "\n"]).join(word) + chance.choice(
        ["", f"\n{word}", f" spells {word}."]
    )


ODDITIES: dict[str, Maker] = {
    "short": short,
    "empty": empty,
    "laughter": laughter,
    "stretched": stretched,
    "numbers": numbers,
    "ladder": ladder,
    "spelling": spelling,
}
