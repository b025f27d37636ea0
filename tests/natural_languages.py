"""Phrase banks of four languages in Latin letters, for the natural texts of natural.py.

Law of this file: data only. A sentence is opener (some of the time), subject, predicate and tail in
this order, so every phrase stands in the form that this order asks for. All of it was written for
this project. Five more languages are in natural_scripts.py.
"""

from typing import NamedTuple


class Language(NamedTuple):
    """The phrases of one language; `space` stands between them and `stop` after a sentence."""

    space: str
    comma: str
    stop: str
    openers: tuple[str, ...]
    subjects: tuple[str, ...]
    predicates: tuple[str, ...]
    tails: tuple[str, ...]
    titles: tuple[str, ...]
    short: tuple[str, ...]


def phrases(text: str) -> tuple[str, ...]:
    """What stands between the slashes."""
    return tuple(phrase.strip() for phrase in text.split("/"))


ENGLISH = Language(
    " ",
    ", ",
    ".",
    phrases(
        "In short / For example / Of course / Sure / However / That said / First / Then / Finally"
        " / As an AI model / In practice / On the other hand / Because of this / Interestingly"
        " / To be fair / At first glance"
    ),
    phrases(
        "I think that the answer / I would say the first one / the answer / this function"
        " / your query / the old lighthouse / a small team / every reader / the second approach"
        " / this city / a careful gardener / the river / it / that / one of the engines"
        " / the committee / most people / the cache / the compiler / my grandmother"
        " / a neutron star / the result / each of these options / the whole idea / nobody"
        " / the bread / the index on this column / we know that it / the orchestra"
    ),
    phrases(
        "can be read as / depends on / was built around / quietly replaced / never needed"
        " / will change / explains / is not the same as / grew into / has to wait for"
        " / makes sense with / returns / would rather keep / is slower than / reminded everyone of"
        " / belongs to / gave us / is often mistaken for / comes before"
    ),
    phrases(
        "the first version / a long winter / two simple rules / what was promised"
        " / the weather of that year / a list of numbers, sorted by size"
        " / the people who maintain it / an empty string / more than 40 % of the load"
        " / the market square / a much larger question / its own success / the sound of rain"
        " / one reliable source / the next stop / about three minutes / nothing at all"
        " / the best of both worlds / a well-kept secret / the price of coffee in 1987"
        " / a narrow bridge / the documentation / something you can test / your own notes"
    ),
    phrases(
        "Overview / Key points / Why it matters / Summary / Step by step / Background"
        " / A small example / Next steps"
    ),
    phrases(
        "Yes. / No. / OK. / Sure! / Maybe. / 42 / True / Paris / Done. / I don't know."
        " / Hello! How can I help? / 3.14"
    ),
)

GERMAN = Language(
    " ",
    " ",
    ".",
    phrases(
        "Kurz gesagt: / Zum Beispiel: / Wichtig ist: / Kurzum: / Ein Hinweis: / Erstens:"
        " / Zweitens: / Ganz ehrlich:"
    ),
    phrases(
        "Der alte Leuchtturm / Die zweite Lösung / Das Ergebnis / Unser Nachbar / Eine gute Suppe"
        " / Die Straßenbahn / Der Übersetzer / Das Wörterbuch / Jede Messung"
        " / Die Donaudampfschifffahrt / Der Gärtner / Man"
    ),
    phrases(
        "braucht / verändert / ersetzt / erklärt / kennt / überrascht / mag / öffnet / vergisst"
        " / schützt / hört"
    ),
    phrases(
        "die ganze Stadt / den ersten Entwurf / ein bisschen Geduld / den langen Winter"
        " / jede zweite Zeile / die Größe der Datei / das Geräusch des Regens"
        " / keine weiteren Fragen / den Schlüssel unter der Matte / die Preise von 1987"
        " / einen schmalen Weg über die Brücke / das, was übrig bleibt"
    ),
    phrases("Überblick / Wichtige Punkte / Hintergrund / Zusammenfassung / Nächste Schritte"),
    phrases("Ja. / Nein. / Gern! / Vielleicht. / München / Zwölf. / Das weiß ich nicht."),
)

FRENCH = Language(
    " ",
    " ",
    ".",
    phrases(
        "En bref, / Par exemple, / Bien sûr, / D'abord, / Ensuite, / Cependant, / À vrai dire, / En pratique,"
    ),
    phrases(
        "le vieux phare / la deuxième méthode / notre voisine / cette fonction / l'été dernier"
        " / un bon pain / le résultat / la gare de l'Est / chaque lecteur / l'équipe"
        " / une étoile lointaine / le chef d'orchestre"
    ),
    phrases(
        "remplace / explique / précède / oublie / protège / change / traverse / rappelle / garde / connaît"
    ),
    phrases(
        "la première version / un long hiver / deux règles simples / le bruit de la pluie"
        " / l'idée de départ / une liste triée / tout ce qui reste / le prix du café en 1987"
        " / un pont très étroit / la question « pourquoi ? »"
    ),
    phrases("Aperçu / Points clés / Contexte / Résumé / Étapes suivantes"),
    phrases("Oui. / Non. / Peut-être. / Bien sûr ! / Lyon / Je ne sais pas."),
)

SPANISH = Language(
    " ",
    " ",
    ".",
    phrases(
        "En resumen, / Por ejemplo, / Claro, / Primero, / Después, / Sin embargo, / En la práctica, / Además,"
    ),
    phrases(
        "el viejo faro / la segunda opción / nuestra vecina / esta función / el año pasado"
        " / un buen pan / el resultado / la estación del norte / cada lector / el equipo"
        " / una estrella lejana / la señora Núñez"
    ),
    phrases(
        "cambia / explica / necesita / olvida / protege / cruza / recuerda / guarda / conoce / sustituye a"
    ),
    phrases(
        "la primera versión / un invierno largo / dos reglas sencillas / el sonido de la lluvia"
        " / la idea original / una lista ordenada / todo lo que queda / el precio del café en 1987"
        " / un puente estrecho / la misma pregunta"
    ),
    phrases("Visión general / Puntos clave / Contexto / Resumen / Próximos pasos"),
    phrases("Sí. / No. / Quizás. / ¡Claro! / Bogotá / No lo sé."),
)
