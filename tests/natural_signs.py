"""Texts of signs: drawings, emoji, accents, formulas, whitespace.

Law of this file: as natural_prose.py: a source of chance and a size in, one text out.
"""

from random import Random

from tests.natural_prose import Maker, grow, sentence

EMOJI = ("😀", "🎉", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "🇯🇵", "❤️", "🧑‍💻", "1️⃣", "🤷🏻‍♀️", "🔥", "✅", "🏴󠁧󠁢󠁳󠁣󠁴󠁿")


def drawing(chance: Random, size: int) -> str:
    """Triangles, boxes, waves."""
    sign = chance.choice("*#o+█░/")
    rows = max(2, min(40, int(size**0.5)))
    pattern = chance.choice(["triangle", "pyramid", "box", "wave"])
    if pattern == "triangle":
        return "\n".join(sign * row for row in range(1, rows))
    if pattern == "pyramid":
        return "\n".join(" " * (rows - row) + sign * (2 * row - 1) for row in range(1, rows))
    if pattern == "box":
        return "\n".join(["+" + "-" * rows + "+", *["|" + " " * rows + "|"] * 4, "+" + "-" * rows + "+"])
    return "\n".join(" " * abs(rows // 2 - row % rows) + sign for row in range(2 * rows))


def emoji(chance: Random, size: int) -> str:
    """Emoji of several code points, alone and among words."""
    if chance.random() < 0.3:
        return chance.choice(EMOJI) * max(1, min(size, 80) // 8)
    return grow(
        chance,
        size,
        lambda dice: dice.choice([dice.choice(EMOJI), dice.choice(EMOJI), sentence(dice)]),
        chance.choice(["", " "]),
    )


def combining(chance: Random, size: int) -> str:
    """Marks that join the letter before them."""
    marks = ["\u0301", "\u0308", "\u0323", "\u20d7", "\u0489"]
    return "".join(
        letter
        + (chance.choice(marks) * chance.randint(1, 3) if letter.isalpha() and chance.random() < 0.4 else "")
        for letter in grow(chance, size, sentence, " ")
    )


def dna(chance: Random, size: int) -> str:
    """Four letters, with repeats."""
    return "".join(
        chance.choice(["A", "C", "G", "T", "CAG", "CAGCAGCAG", "TATA"]) for _ in range(max(4, size // 2))
    )


def formulas(chance: Random, size: int) -> str:
    """Mathematics."""

    def line(dice: Random) -> str:
        left, right = dice.randint(1, 20), dice.randint(1, 20)
        return dice.choice(
            [
                f"$$\\sum_{{i=1}}^{{{left}}} x_i^{{{right}}} = \\frac{{{left}}}{{{right}}}$$",
                f"{left} \u00d7 {right} = {left * right}",
                f"\\begin{{aligned}} a_{{{left}}} &= b^{{{right}}} \\\\ &\\le {left} \\end{{aligned}}",
            ]
        )

    return grow(chance, size, line, "\n")


def broken_characters(chance: Random, size: int) -> str:
    """Replacement characters that the model or its server really sent."""
    pieces = ["\ufffd", "\ufffd\ufffd", sentence(chance), " "]
    start = chance.choice(["", "", "\ufffd", "\ufffd\ufffd\ufffd"])
    return (
        start
        + grow(chance, min(size, 400), lambda dice: dice.choice(pieces), "")
        + chance.choice(["", "\ufffd"])
    )


def one_sign(chance: Random, size: int) -> str:
    """One character, many times."""
    return chance.choice("a=-*# \n.!?_~0oA哈。\t") * max(1, size // 2)


def whitespace(chance: Random, size: int) -> str:
    """Nothing but whitespace."""
    return grow(
        chance, min(size, 60), lambda dice: dice.choice([" ", "\n", "\t", "  ", "\n\n", "\u00a0"]), ""
    )


SIGNS: dict[str, Maker] = {
    "one sign": one_sign,
    "whitespace": whitespace,
    "drawing": drawing,
    "emoji": emoji,
    "combining": combining,
    "dna": dna,
    "formulas": formulas,
    "broken characters": broken_characters,
}
