"""`artgan verify FILE`: what a file is, said for people or for programs."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from artgan.catalog.recognise import Candidate, Recognised, recognise
from artgan.catalog.table import Catalog
from artgan.config import VerifySettings
from artgan.errors import ArtganError, MissingAssetError
from artgan.ingest.decoder_process import Limits, end_child
from artgan.ingest.decoders import Examined, examine
from artgan.ingest.inspect import Refused
from artgan.signing import Signature
from artgan.storage import open_store

_WORDS = {
    "unchanged": "exactly a file of this archive",
    "changed": "CHANGED: not what it says it is",
    "copy": "probably a copy; see what it looks like",
    "signed": "signed; give --root to ask the catalog",
    "marked": "says what it is; anybody could have written that",
    "unknown": "says nothing, and nothing is known of it",
}


def verify_file(settings: VerifySettings) -> None:
    """Print what a file is.

    Raises:
        ArtganError: If it was changed; all is printed before.
    """
    path = Path(settings.path)
    seen = examine(path, _anchors(settings.anchors), Limits())
    end_child()
    catalog = None
    if settings.root is not None:
        catalog = Catalog(open_store(settings.root, must_exist=True))
    found = _recognised(catalog, seen)
    if settings.format == "json":
        sys.stdout.write(json.dumps(_facts(path, seen, found), indent=1) + "\n")
    else:
        sys.stdout.write("\n".join(_lines(path, seen, found)) + "\n")
    if found.verdict == "changed":
        raise ArtganError(
            f"path must be a file as it was made, got one that was changed, {path.name!r}. "
            "Take the original from the archive; `artgan trace` finds it."
        )


def _anchors(name: str | None) -> str | None:
    if name is None:
        return None
    if not Path(name).is_file():
        raise MissingAssetError(f"anchors must be a file of PEM, got {name!r}. Check the name.")
    return Path(name).read_text()


def _recognised(catalog: Catalog | None, seen: Examined | Refused) -> Recognised:
    if isinstance(seen, Refused):
        found = recognise(catalog, seen.content_sha256, None, {}, Signature("not read"))
        found.says.append(seen.message)
        return found
    found = recognise(catalog, seen.sha256, seen.look, seen.mark, seen.signature)
    if seen.mark_problem is not None:
        found.says.append(f"Its packet cannot be read: {seen.mark_problem}.")
    return found


def _facts(path: Path, seen: Examined | Refused, found: Recognised) -> dict[str, Any]:
    if isinstance(seen, Refused):
        return {"path": str(path), "sha256": seen.content_sha256, **asdict(found)}
    facts: dict[str, Any] = {"sha256": seen.sha256, "format": seen.format}
    if seen.size is not None and seen.look is not None:
        width, height = seen.size
        facts |= {"width_px": width, "height_px": height, "phash": seen.look.phash}
    return {"path": str(path), **facts, **asdict(found)}


def _lines(path: Path, seen: Examined | Refused, found: Recognised) -> list[str]:
    lines = [f"{path.name}: {_WORDS[found.verdict]}"]
    if isinstance(seen, Examined) and seen.size is not None:
        lines.append(_line("picture", f"{seen.format}, {seen.size[0]} x {seen.size[1]} pixels"))
    elif isinstance(seen, Examined):
        lines.append(_line("film", seen.format))
    lines += [_line("sha256", seen.content_sha256 if isinstance(seen, Refused) else seen.sha256)]
    lines += [_line("is", _known(one)) for one in found.known]
    lines += [_line("mark", f"{name} {value}") for name, value in found.mark.items()]
    if not found.mark:
        lines.append(_line("mark", "none"))
    lines.append(_line("signature", _signature(found.signature)))
    lines += [_line("looks like", _candidate(one)) for one in found.candidates]
    return lines + [_line("", sentence) for sentence in found.says]


def _line(name: str, words: str) -> str:
    """One line; control characters of strangers do not reach the terminal."""
    shown = "".join(one if one.isprintable() else "\ufffd" for one in words)
    return f"  {name:11}{shown}".rstrip()


def _known(one: dict[str, Any]) -> str:
    term = f", {one['digital_source_type']}" if one["digital_source_type"] else ""
    return f"{one['kind']} {one['id']}{term}, {one['path']}"


def _signature(found: Signature) -> str:
    by = f", by {found.signer}" if found.signer else ""
    why = f": {found.problem}" if found.problem and found.state == "changed" else ""
    return f"{found.state}{by}{why}"


def _candidate(one: Candidate) -> str:
    apart = "unread" if one.difference is None else f"{one.difference:.1f} of 255 apart"
    term = f", {one.digital_source_type}" if one.digital_source_type else ""
    return f"{one.kind} {one.id} ({one.bits} of 64 bits, {apart}){term}, {one.path}"
