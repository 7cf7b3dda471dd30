"""Marks on words, by which a sentence knows the words of its translation.

Knows no language. A word is followed by its marks, `gekauft/verb`; a word of a sentence
and one of its translation that share a mark are linked, one without a counterpart
stays without links. A text that has no marks says one thing as a whole.

A phrase inside another has its marks begin with its place there, `/object:noun`: so the
noun of the object is another than that of the subject.
"""

import re


def marked(text: str, *marks: str) -> str:
    """The text, each of its words with these marks besides its own."""
    more = "".join(f"/{mark}" for mark in marks)
    return re.sub(r"[^\s,.?]+", lambda word: word[0] + more, text)


def within(text: str, place: str) -> str:
    """The text as it stands at a place of something larger."""
    return text.replace("/", f"/{place}:") if "/" in text else marked(text, place)


def plain(text: str) -> str:
    """The text as it is read, without marks."""
    return re.sub(r"/[\w:]+", "", text)


def links(source: str, target: str) -> list[tuple[int, int]]:
    """(source word, target word) for all that share a mark, counted from 0."""
    columns = [set(re.findall(r"/[\w:]+", word)) for word in source.split()]
    rows = [set(re.findall(r"/[\w:]+", word)) for word in target.split()]
    return [
        (i, j)
        for j, row in enumerate(rows)
        for i, column in enumerate(columns)
        if row & column
    ]
