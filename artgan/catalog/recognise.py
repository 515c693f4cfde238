"""What a file is that came back from outside: by its bytes, by its mark, or by what it looks like.

Bytes prove that a file is as the archive wrote it. A mark inside a file says what its writer wanted
it to say. Looking alike is neither: it names candidates, which a person confirms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow.compute as pc

from artgan.catalog.identify import by_digest
from artgan.catalog.schema import MODELS, OUTPUTS, SCANS
from artgan.catalog.table import Catalog
from artgan.errors import ArtganError
from artgan.imaging.hashes import hamming_distances, hashes_to_array
from artgan.imaging.look import Look, difference, look_at
from artgan.provenance import DigitalSourceType
from artgan.signing import Signature

Row = dict[str, Any]
Verdict = Literal["unchanged", "changed", "copy", "marked", "signed", "unknown"]

CLOSE_BITS = 10
"""Bits of 64 in which hashes of a picture and its re-saved copy differ at most.

Of 120 works, JPEG at quality 50 and halving moved 2 bits in 95 of 100 cases, and no two works were
nearer than 14.
"""
_MOST_CANDIDATES = 8
_AS_MUCH = 1.0  # of 255
_OUTPUT_COLUMNS = (
    *("output_id", "kind", "collection", "scan_id", "model_id", "output_path", "phash"),
    "digital_source_type",
)


@dataclass(frozen=True)
class Candidate:
    """Something in the archive that a file looks like.

    Attributes:
        kind: scan, or the kind of the output.
        id: scan_id or output_id.
        path: Key of the picture it was compared with.
        bits: Bits of 64 in which the hashes differ.
        difference: Mean difference at 64 x 64 pixels, in levels of 255; None if the file of the
            candidate cannot be read.
        digital_source_type: IPTC term of the candidate.
        scan_id: Its scan.
    """

    kind: str
    id: str
    path: str | None
    bits: int
    difference: float | None
    digital_source_type: str | None
    scan_id: str | None


@dataclass
class Recognised:
    """What was found of a file.

    Attributes:
        verdict: unchanged: its bytes are in the catalog. changed: it is not what it says.
            copy: it looks like something in the archive. signed or marked: the file alone says so.
            unknown: nothing is known of it.
        known: Kind, id and path of what has the same bytes.
        mark: What the packet inside says.
        signature: What its Content Credentials say.
        candidates: What it looks like, the likeliest first.
        says: Sentences for people.
    """

    verdict: Verdict = "unknown"
    known: list[Row] = field(default_factory=list)
    mark: dict[str, str] = field(default_factory=dict)
    signature: Signature = field(default_factory=lambda: Signature("not read"))
    candidates: list[Candidate] = field(default_factory=list)
    says: list[str] = field(default_factory=list)


def recognise(
    catalog: Catalog | None,
    sha256: str,
    look: Look | None,
    mark: Mapping[str, str],
    signature: Signature,
) -> Recognised:
    """Put together what a file is.

    Args:
        catalog: The archive; None goes by the file alone.
        sha256: Of its bytes.
        look: What it looks like; None if it is no picture.
        mark: What its packet says, as `artgan.provenance.read_xmp` gives it.
        signature: What its Content Credentials say.
    """
    found = Recognised(mark=dict(mark), signature=signature)
    if signature.state == "changed":
        found.verdict = "changed"
        found.says.append(f"It was changed after it was signed ({signature.problem}).")
    if catalog is not None:
        _look_up(catalog, found, sha256, look)
    if found.verdict == "unknown":
        is_signed = signature.state in {"trusted", "untrusted"}
        found.verdict = "signed" if is_signed else "marked" if mark else "unknown"
    return found


def _look_up(catalog: Catalog, found: Recognised, sha256: str, look: Look | None) -> None:
    subjects = by_digest(catalog, sha256)
    if subjects:
        found.verdict = "unchanged"
        found.known = [_known(one.kind, one.name, one.row, sha256) for one in subjects]
        return
    found.candidates = _candidates(catalog, look) if look is not None else []
    contradictions = _contradictions(catalog, found)
    if contradictions:
        found.verdict = "changed"
        found.says += contradictions
    elif found.candidates and found.verdict == "unknown":
        found.verdict = "copy"
        found.says.append("Its bytes are not in the catalog; a person confirms what it looks like.")


def _known(kind: str, name: str, row: Row, sha256: str) -> Row:
    is_original = kind == "scan" and sha256 == (row["content_sha256"] or row["scan_id"])
    words = "original scan" if is_original else "access copy" if kind == "scan" else kind
    path = row.get("source_path") if is_original else row.get("output_path")
    return {
        "kind": row.get("kind") or words,
        "id": name,
        "path": path or row.get("access_path") or row.get("mask_path"),
        "digital_source_type": row.get("digital_source_type"),
    }


def _candidates(catalog: Catalog, look: Look) -> list[Candidate]:
    columns = ("scan_id", "access_path", "phash")
    rows = [
        {"kind": "scan", "id": row["scan_id"], "path": row["access_path"], **row}
        for row in catalog.rows(SCANS, columns, pc.field("phash").is_valid())
    ]
    rows += [
        {"id": row["output_id"], "path": row["output_path"], **row}
        for row in catalog.rows(OUTPUTS, _OUTPUT_COLUMNS, pc.field("status") == "ok")
        if row["phash"]
    ]
    if not rows:
        return []
    hashes = hashes_to_array([row["phash"] for row in rows])
    bits = hamming_distances(hashes_to_array([look.phash]), hashes)[0]
    nearest = [int(one) for one in np.argsort(bits, kind="stable") if bits[one] <= CLOSE_BITS]
    close = [_compared(catalog, rows[one], int(bits[one]), look) for one in nearest[:50]]
    return sorted(close, key=_likeliest)[:_MOST_CANDIDATES]


def _likeliest(one: Candidate) -> tuple[float, int, str]:
    return (256.0 if one.difference is None else one.difference, one.bits, one.id)


def _compared(catalog: Catalog, row: Row, bits: int, look: Look) -> Candidate:
    try:
        with catalog.store.local(row["path"]) as path:
            apart = difference(look.small, look_at(path).small)
    except ArtganError:
        apart = None
    term = row.get("digital_source_type")
    return Candidate(row["kind"], row["id"], row["path"], bits, apart, term, row["scan_id"])


def _contradictions(catalog: Catalog, found: Recognised) -> list[str]:
    """Say where a mark does not fit the catalog, or what the file looks like."""
    mark, says = found.mark, []
    source = mark.get("source_sha256")
    if source is not None:
        scans = _scans_of(catalog, source)
        if not scans and not _is_film(catalog, source):
            says.append(f"Its mark names the scan {source[:12]}…, which is not in the catalog.")
        elif scans and found.candidates and not scans & _scans(found.candidates):
            says.append(
                f"Its mark names the scan {source[:12]}…, but it looks like another: "
                f"{found.candidates[0].kind} {found.candidates[0].id[:12]}."
            )
    model = mark.get("model_id")
    if model is not None and not catalog.rows(MODELS, ("model_id",), pc.field("model_id") == model):
        says.append(f"Its mark names the model {model}, which is not in the catalog.")
    says += _wrong_term(mark.get("digital_source_type"), found.candidates)
    return says


def _scans(candidates: Sequence[Candidate]) -> set[str | None]:
    return {one.scan_id for one in candidates}


def _scans_of(catalog: Catalog, source_sha256: str) -> set[str]:
    same = (pc.field("content_sha256") == source_sha256) | (pc.field("scan_id") == source_sha256)
    return set(catalog.read(SCANS, ["scan_id"], same)["scan_id"].to_pylist())


def _is_film(catalog: Catalog, source_sha256: str) -> bool:
    """Whether something was made of a film with these bytes; films themselves are not kept."""
    where = pc.field("source_sha256") == source_sha256
    return bool(catalog.rows(OUTPUTS, ("output_id",), where))


def _wrong_term(term: str | None, candidates: Sequence[Candidate]) -> list[str]:
    """A file that looks like a machine's work and says that it is a capture was marked anew.

    Where a scan or another file looks as much like it, nothing is said: a small restoration cannot
    be told from its scan by looks.
    """
    if term is None or not candidates or candidates[0].difference is None:
        return []
    within = candidates[0].difference + _AS_MUCH
    near = [one for one in candidates if one.difference is not None and one.difference <= within]
    if any(_allows(one, term) for one in near):
        return []
    best = candidates[0]
    is_what = best.digital_source_type or "a scan"
    return [
        f"Its mark says {term}, but it looks like the {best.kind} {best.id[:12]}, which is "
        f"{is_what}."
    ]


def _allows(candidate: Candidate, term: str) -> bool:
    """Whether a copy of a candidate may say that it is this.

    A scan may be a capture of many kinds, and views of what was restored look like it too.
    """
    if candidate.digital_source_type is None:
        return term != DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA
    return candidate.digital_source_type == term
