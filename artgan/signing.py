"""Content Credentials (C2PA) of an archive: signed into files last, and read back.

Signing is on where the environment names a certificate and its key, both as files of PEM:
``ARTGAN_SIGNING_CERTIFICATE`` (the archive's own, then those that vouch for it) and
``ARTGAN_SIGNING_KEY``; ``ARTGAN_SIGNING_ALGORITHM`` is es256 unless it says otherwise. Nothing is
asked of the network: no time stamp is fetched, and no manifest that a file names elsewhere.

A signature proves that a file is as the archive wrote it. Any later save removes it, which proves
nothing; the catalog is the record that lasts.

References:
    C2PA Technical Specification 2.2, https://spec.c2pa.org/
"""

import importlib.util
import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from artgan.errors import InvalidInputError, MissingAssetError
from artgan.keys import VERSION

CERTIFICATE = "ARTGAN_SIGNING_CERTIFICATE"
KEY = "ARTGAN_SIGNING_KEY"
ALGORITHM = "ARTGAN_SIGNING_ALGORITHM"

SignatureState = Literal["unsigned", "changed", "trusted", "untrusted", "not read"]

_TERM_PREFIX = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
}
_BUILDING = {"builder": {"thumbnail": {"enabled": False}}}


@dataclass(frozen=True)
class Signature:
    """What the Content Credentials of a file say.

    Attributes:
        state: unsigned; changed since it was signed; trusted, which is by a certificate that the
            given anchors vouch for; untrusted, which anybody can make; or not read, where the
            reader is not installed or does not know the format.
        signer: Name in the certificate.
        digital_source_type: IPTC term that was signed.
        problem: What does not fit, in the words of the standard.
    """

    state: SignatureState
    signer: str | None = None
    digital_source_type: str | None = None
    problem: str | None = None


def is_signing() -> bool:
    """Whether this process is asked to sign what it makes."""
    return bool(os.environ.get(CERTIFICATE) or os.environ.get(KEY))


def sign_file(path: Path, digital_source_type: str, title: str, source: Path | None = None) -> None:
    """Sign a file in place, if signing is on; nothing may change it afterwards.

    Args:
        path: A file that is finished.
        digital_source_type: IPTC term for it.
        title: What to call it.
        source: The file it was made from, which becomes its ingredient.

    Raises:
        MissingAssetError: If certificate, key or the library is not there.
        InvalidInputError: If the certificate cannot sign.
    """
    if not is_signing():
        return
    signed = path.with_name(f"{path.name}.signed")
    with path.open("rb") as unsigned, signed.open("w+b") as target:
        _sign((unsigned, target), _media_type(path), digital_source_type, title, source)
    signed.replace(path)


def signed_bytes(content: bytes, suffix: str, digital_source_type: str, title: str) -> bytes:
    """Sign a file's bytes, if signing is on; see `sign_file`."""
    if not is_signing():
        return content
    target = io.BytesIO()
    streams = io.BytesIO(content), target
    _sign(streams, _TYPES[suffix], digital_source_type, title, None)
    return target.getvalue()


def _sign(
    streams: tuple[BinaryIO, BinaryIO],
    media_type: str,
    digital_source_type: str,
    title: str,
    source: Path | None,
) -> None:
    c2pa = _library()
    manifest = {
        "claim_generator_info": [{"name": "artgan", "version": VERSION}],
        "title": title,
        "assertions": [_actions(digital_source_type, is_edit=source is not None)],
    }
    context = c2pa.Context.from_dict(_BUILDING)
    try:
        with _signer(c2pa) as signer, c2pa.Builder(manifest, context) as builder:
            if source is not None and source.suffix.lower() in _TYPES:
                with source.open("rb") as file:
                    ingredient = {"title": "scan", "relationship": "parentOf"}
                    builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
                    builder.add_ingredient(ingredient, _media_type(source), file)
            builder.sign(signer, media_type, *streams)
    except c2pa.C2paError as error:
        raise InvalidInputError(
            f"{CERTIFICATE} must name a certificate that may sign, got {error}. It needs the key "
            "usage digitalSignature and the extended key usage emailProtection."
        ) from error


def _actions(digital_source_type: str, *, is_edit: bool) -> dict[str, Any]:
    action = {
        "action": "c2pa.edited" if is_edit else "c2pa.created",
        "digitalSourceType": _TERM_PREFIX + digital_source_type,
        "softwareAgent": {"name": "artgan", "version": VERSION},
    }
    return {"label": "c2pa.actions.v2", "data": {"actions": [action]}}


def _signer(c2pa: Any) -> Any:  # noqa: ANN401 - a package that need not be there
    chain, key = _secret(CERTIFICATE), _secret(KEY)
    algorithm = os.environ.get(ALGORITHM, "es256").encode()
    return c2pa.Signer.from_info(c2pa.C2paSignerInfo(algorithm, chain, key, None))


def _secret(name: str) -> bytes:
    path = Path(os.environ.get(name, ""))
    if not path.is_file():
        raise MissingAssetError(
            f"{name} must name a file of PEM, got none. Set both {CERTIFICATE} and {KEY}, or none."
        )
    return path.read_bytes()


def _media_type(path: Path) -> str:
    return _TYPES[path.suffix.lower()]


def _library() -> Any:  # noqa: ANN401 - a package that need not be there
    if importlib.util.find_spec("c2pa") is None:
        raise MissingAssetError(
            f"{CERTIFICATE} must be unset without the package c2pa-python, got it set. Install it "
            'with `pip install "artgan[sign]"`.'
        )
    return importlib.import_module("c2pa")


def read_signature(path: Path, media_type: str, anchors: str | None = None) -> Signature:
    """Read a file's Content Credentials, and whether the file is still what was signed.

    Args:
        path: The file.
        media_type: What it is by its content.
        anchors: PEM of the certificates to trust; none trusts nobody.
    """
    if importlib.util.find_spec("c2pa") is None or media_type not in _TYPES.values():
        return Signature("not read")
    c2pa = importlib.import_module("c2pa")
    trust = {"trust": {"trust_anchors": anchors}} if anchors else {}
    settings = trust | {"verify": {"verify_trust": True, "remote_manifest_fetch": False}}
    context = c2pa.Context.from_dict(settings)
    try:
        with path.open("rb") as file, c2pa.Reader(media_type, file, context=context) as reader:
            report = json.loads(reader.json())
            return _signature(report, str(reader.get_validation_state()))
    except c2pa.C2paError.ManifestNotFound:
        return Signature("unsigned")
    except c2pa.C2paError as error:  # a manifest that cannot be read was cut or changed
        return Signature("changed", problem=str(error).splitlines()[0][:200])


def _signature(report: Mapping[str, Any], state: str) -> Signature:
    active = report.get("manifests", {}).get(report.get("active_manifest"), {})
    failures = report.get("validation_results", {}).get("activeManifest", {}).get("failure", [])
    codes = [one["code"] for one in failures]
    words: SignatureState = "trusted" if state == "Trusted" else "untrusted"
    return Signature(
        "changed" if state == "Invalid" else words,
        active.get("signature_info", {}).get("common_name"),
        _signed_type(active),
        ", ".join(codes) or None,
    )


def _signed_type(manifest: Mapping[str, Any]) -> str | None:
    for assertion in manifest.get("assertions", []):
        if assertion.get("label", "").startswith("c2pa.actions"):
            for action in assertion["data"]["actions"]:
                if action.get("digitalSourceType"):
                    return str(action["digitalSourceType"]).removeprefix(_TERM_PREFIX)
    return None
