"""All works of a collection as pages of small pictures, a hundred each."""

from collections.abc import Sequence
from dataclasses import dataclass

from artgan.report.snapshot import (
    Row,
    Snapshot,
    collection_folder,
    scan_source,
    scan_title,
    work_folder,
)
from artgan.report.thumbs import Thumbnail, Thumbnails
from artgan.report.words import NOT_RECORDED
from artgan.report.work_page import work_status

WORKS_A_PAGE = 100


@dataclass(frozen=True)
class ListedWork:
    """A work as a small picture with its caption.

    Attributes:
        title: Title, or name of the file.
        maker: Maker and date.
        split: Its split.
        status: What was made of it.
        page: Key of its page.
        thumbnail: The scan, None if its access copy cannot be read.
    """

    title: str
    maker: str
    split: str
    status: str
    page: str
    thumbnail: Thumbnail | None


@dataclass(frozen=True)
class ListPage:
    """One page of the list.

    Attributes:
        key: Where it lies.
        number: Its number, from 1.
        first: Number of its first work, from 1.
        last: Number of its last work.
        total: Works in the list.
        begins: Name of the first work's file.
        ends: Name of the last work's file.
        works: The works.
    """

    key: str
    number: int
    first: int
    last: int
    total: int
    begins: str
    ends: str
    works: Sequence[Row]


def list_key(collection: str, number: int) -> str:
    """Return the key of a page of a collection's list."""
    return f"{collection_folder(collection)}/works-{number:04d}.html"


def list_pages(collection: str, works: Sequence[Row]) -> list[ListPage]:
    """Lay out the list of a collection's works, in the order of their files' names."""
    ordered = sorted(works, key=lambda row: (row["source_path"], row["scan_id"]))
    starts = range(0, len(ordered), WORKS_A_PAGE)
    pages = []
    for number, start in enumerate(starts, 1):
        part = ordered[start : start + WORKS_A_PAGE]
        names = [row["source_path"].rsplit("/", 1)[-1] for row in (part[0], part[-1])]
        pages.append(
            ListPage(
                key=list_key(collection, number),
                number=number,
                first=start + 1,
                last=start + len(part),
                total=len(ordered),
                begins=names[0],
                ends=names[1],
                works=part,
            )
        )
    return pages


def listed_works(
    snapshot: Snapshot,
    rows: Sequence[Row],
    thumbnails: Thumbnails,
    masks: dict[str, list[Row]],
    groups: dict[str, list[str]],
) -> list[ListedWork]:
    """Return works as a list shows them.

    Args:
        snapshot: The catalog's tables.
        rows: The scans that stand for the works.
        thumbnails: The archive's thumbnails.
        masks: Damage masks by scan_id.
        groups: All scans of a work, by the scan that stands for it.
    """
    listed = []
    for row in rows:
        names = groups[row["scan_id"]]
        marked = [mask for name in names for mask in masks.get(name, [])]
        outputs = [one for name in names for one in snapshot.outputs_by_scan.get(name, [])]
        maker = ", ".join(part for part in (row["artist"], row["date_text"]) if part)
        listed.append(
            ListedWork(
                scan_title(row),
                maker,
                row["split"] or NOT_RECORDED,
                work_status(marked, outputs, snapshot.reviews),
                f"{work_folder(row)}/index.html",
                thumbnails.whole(scan_source(row)),
            )
        )
    return listed
