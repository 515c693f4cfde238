"""The whole corpus."""

from tests.ingest.corpus import colour, common, other, refused, tiff
from tests.ingest.corpus.case import Case

CORPUS = [case for part in (tiff, colour, common, other, refused) for case in part.cases()]


def pages_of(case: Case) -> tuple[str, ...]:
    """The verdict on each page."""
    return case.verdict if isinstance(case.verdict, tuple) else (case.verdict,)
