"""Cards of models and datasets: facts under headings, as Markdown and on pages, never half empty.

A card is made from the catalog. What the catalog does not hold is said in so many words; a heading
with nothing under it, or a value left to be filled in, is a defect and stops the build.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from artgan.errors import ArtganError

_PLACEHOLDER = re.compile(
    r"more information needed|lorem ipsum|\{\{|\}\}|\b(?:todo|tbd|fixme|xxx)\b"
    r"|[\[<](?:insert|your) ",
    re.IGNORECASE,
)
_EMPTY = {"", "-", "?", "none", "nan", "null", "n/a", "unknown"}
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|])")


class Delivered(str):
    """Text that came with the scans; it is shown as it is, whatever it says."""

    __slots__ = ()


@dataclass(frozen=True)
class Section:
    """One heading of a card.

    Attributes:
        title: The heading.
        words: Sentences under it.
        facts: Facts under it: name and value.
    """

    title: str
    words: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Card:
    """A card.

    Attributes:
        title: Its title.
        front: What programs read: the YAML at the top of the Markdown.
        sections: Its headings, in order.
    """

    title: str
    front: Mapping[str, Any]
    sections: tuple[Section, ...]


def check_card(card: Card) -> None:
    """Refuse a card with a placeholder, an empty value or an empty heading.

    Raises:
        ArtganError: If there is one.
    """
    for section in card.sections:
        if not section.words and not section.facts:
            raise _refusal(card, section.title, "nothing")
        for text in section.words:
            _check(card, section.title, text)
        for name, value in section.facts:
            _check(card, section.title, name)
            _check(card, f"{section.title}, {name}", value)


def _check(card: Card, place: str, text: str) -> None:
    if isinstance(text, Delivered) and text.strip():
        return
    if text.strip(" .").lower() in _EMPTY or _PLACEHOLDER.search(text):
        raise _refusal(card, place, repr(text[:60]))


def _refusal(card: Card, place: str, found: str) -> ArtganError:
    return ArtganError(
        f"card {card.title!r} must be filled in under {place!r}, got {found}. "
        'Write "not recorded", "not measured" or "not applicable" where that is so.'
    )


def card_markdown(card: Card) -> bytes:
    """Write a card as Markdown with YAML at its top.

    Raises:
        ArtganError: If the card is not whole.
    """
    check_card(card)
    front = yaml.safe_dump(dict(card.front), sort_keys=False, allow_unicode=True, width=1000)
    parts = [f"---\n{front}---", f"# {_escaped(card.title)}"]
    for section in card.sections:
        lines = [f"- {_escaped(name)}: {_escaped(value)}" for name, value in section.facts]
        parts += [f"## {_escaped(section.title)}", *map(_escaped, section.words)]
        parts += ["\n".join(lines)] if lines else []
    return ("\n\n".join(parts) + "\n").encode()


def _escaped(text: str) -> str:
    """Write text so that Markdown shows it as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
