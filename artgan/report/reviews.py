"""Reviews in words: what conservators said of the files that a page shows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from artgan.report.words import clip, count, moment

Row = dict[str, Any]
Reviews = Mapping[str, Sequence[Row]]
"""Reviews of each file, the oldest first, by output_id."""

NOT_REVIEWED = "Not reviewed by a conservator"

_DECISIONS = {
    "accepted": "accepted",
    "accepted_with_notes": "accepted with notes",
    "rejected": "rejected",
}


def last_review(reviews: Reviews, output: Row) -> Row | None:
    """Return the review of a file that counts."""
    found = reviews.get(output["output_id"])
    return found[-1] if found else None


def review_words(review: Row | None) -> str:
    """Say in a line who reviewed a file, when, and how it was judged."""
    if review is None:
        return NOT_REVIEWED
    who = clip(review["reviewer"], 80) + (f", {clip(review['role'], 80)}" if review["role"] else "")
    return f"Reviewed by {who}, {review['reviewed_at']:%Y-%m-%d}: {decision_words(review)}"


def decision_words(review: Row) -> str:
    """Say how a file was judged."""
    return _DECISIONS[review["decision"]]


def banner(reviews: Reviews, outputs: Sequence[Row]) -> str:
    """Say of all restorations that a page shows whether they were reviewed."""
    last = [last_review(reviews, output) for output in outputs]
    if len(last) == 1:
        return review_words(last[0])
    if not any(last):
        return NOT_REVIEWED
    return f"Of {count(len(last), 'digital restoration')}: {tally_words(last)}"


def tally_words(last: Sequence[Row | None]) -> str:
    """Count judgements: ``3 accepted, 1 rejected, 8 not reviewed``."""
    counts = Counter("not reviewed" if one is None else decision_words(one) for one in last)
    order = [*_DECISIONS.values(), "not reviewed"]
    return ", ".join(f"{counts[name]:,} {name}" for name in order if counts[name])


def review_facts(reviews: Sequence[Row]) -> list[list[tuple[str, str]]]:
    """Return what was said of a file, field by field, the newest first."""
    return [
        [
            ("Decision", decision_words(row)),
            ("Reviewer", clip(row["reviewer"], 200)),
            *([("Role", clip(row["role"], 200))] if row["role"] else []),
            ("Date", moment(row["reviewed_at"])),
            ("Notes", clip(row["notes"], 4000) if row["notes"] else "none"),
        ]
        for row in reversed(reviews)
    ]


def review_json(review: Row | None) -> dict[str, Any]:
    """Return the review that counts as values that JSON can hold, with the machine names."""
    return {
        "review_status": "not reviewed" if review is None else review["decision"],
        "reviewed_by": None if review is None else review["reviewer"],
        "reviewed_at": None if review is None else moment(review["reviewed_at"]),
        "review_notes": None if review is None else review["notes"],
    }


def model_review_words(last: Sequence[Row | None]) -> str:
    """Say how many of a model's files people looked at, and how they judged them."""
    if not any(last):
        return f"{NOT_REVIEWED}."
    people = {row["reviewer"] for row in last if row is not None}
    return (
        f"Of {count(len(last), 'file')} made with it: {tally_words(last)}; "
        f"{count(len(people), 'reviewer')}."
    )
