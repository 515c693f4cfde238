"""Writing of the pages of works and of the lists that lead to them."""

from collections.abc import Iterator, Mapping, Sequence

from artgan.report.pages import Ledger, Writer, as_json, mark_of, render
from artgan.report.restored_pictures import picture_keys, record_key
from artgan.report.snapshot import Row, Snapshot, scan_source, work_folder
from artgan.report.thumbs import LARGE_PX, SMALL_PX, Source, Thumbnails
from artgan.report.work_page import work_json, work_page
from artgan.report.work_restoration import MARK, shown_outputs
from artgan.report.work_rows import WorkRows, rows_by_work
from artgan.report.works_list import ListPage, list_pages, listed_works


def write_works(
    snapshot: Snapshot,
    collection: str,
    groups: Mapping[str, list[Row]],
    thumbnails: Thumbnails,
    writer: Writer,
) -> list[ListPage]:
    """Write the pages of a collection's works, those with news only, and then the lists.

    Args:
        snapshot: The catalog's tables.
        collection: The collection.
        groups: All scans of each work, by the scan that stands for it; that one comes first.
        thumbnails: The archive's thumbnails.
        writer: Writes pages.

    Returns:
        The pages of the list.
    """
    thumbnails.prepare(_wanted(snapshot, groups))
    ledger = Ledger(writer.store, f"works/{collection}", writer.present)
    for rows in rows_by_work(snapshot, collection, list(groups.values())):
        _write_work(rows, thumbnails, writer, ledger)
    ledger.save(writer)
    return _write_lists(snapshot, collection, groups, thumbnails, writer)


def _wanted(
    snapshot: Snapshot, groups: Mapping[str, list[Row]]
) -> Iterator[tuple[Source | None, int]]:
    """Yield the thumbnails of works: small ones for lists, large ones where nothing is compared."""
    for rows in groups.values():
        source = scan_source(rows[0])
        yield source, SMALL_PX
        outputs = [one for row in rows for one in snapshot.outputs_by_scan.get(row["scan_id"], [])]
        if not any(one["kind"] == "restored" and one["status"] == "ok" for one in outputs):
            yield source, LARGE_PX


def _write_work(rows: WorkRows, thumbnails: Thumbnails, writer: Writer, ledger: Ledger) -> None:
    folder = work_folder(rows.scan)
    key, data, mark = f"{folder}/index.html", f"{folder}/work.json", mark_of(rows.facts())
    for output in shown_outputs(rows):
        writer.keep(*picture_keys(folder, output).values(), record_key(folder, output))
    writer.keep(key, data)
    if data in writer.present and ledger.is_current(key, mark):
        return
    page = work_page(rows, thumbnails, writer.present)
    writer.written.extend(page.written)
    writer.put(data, as_json(work_json(page, rows)))
    content = render("work.html", key, {"page": page, "mark": MARK})
    writer.put(key, content)
    ledger.note(key, mark, content)


def _write_lists(
    snapshot: Snapshot,
    collection: str,
    groups: Mapping[str, list[Row]],
    thumbnails: Thumbnails,
    writer: Writer,
) -> list[ListPage]:
    masks: dict[str, list[Row]] = {}
    for mask in snapshot.masks(collection):
        if mask["origin"] == "detected":
            continue
        masks.setdefault(mask["scan_id"], []).append(mask)
    names = {name: [row["scan_id"] for row in rows] for name, rows in groups.items()}
    pages = list_pages(collection, [rows[0] for rows in groups.values()])
    for page in pages:
        works = listed_works(snapshot, page.works, thumbnails, masks, names)
        values = {"page": page, "works": works, "collection": collection, "pages": pages}
        writer.write(page.key, render("works.html", page.key, values))
    return pages


def by_work(works: Sequence[Row], scans: Sequence[Row]) -> dict[str, list[Row]]:
    """Return all scans of each work, by the scan that stands for it, which comes first."""
    leads = {row["duplicate_group"] or row["scan_id"]: row for row in works}
    groups = {row["scan_id"]: [row] for row in works}
    for row in scans:
        lead = leads[row["duplicate_group"] or row["scan_id"]]
        if row["scan_id"] != lead["scan_id"]:
            groups[lead["scan_id"]].append(row)
    return groups


def page_of_scan(groups: Mapping[str, list[Row]]) -> dict[str, str]:
    """Return the key of the work's page for each scan of a collection."""
    return {
        row["scan_id"]: f"{work_folder(rows[0])}/index.html"
        for rows in groups.values()
        for row in rows
    }
