"""Signed files are known as the archive's own, and every change to them is seen."""

import datetime
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image

from artgan.errors import InvalidInputError, MissingAssetError
from artgan.imaging.decode import SourceEncoding
from artgan.imaging.video_mark import film_format, mark_film, read_film_mark
from artgan.imaging.write import png_bytes
from artgan.provenance import DigitalSourceType, Provenance, xmp_packet
from artgan.signing import CERTIFICATE, KEY, read_signature, sign_file, signed_bytes
from tests.films import frames_of, moving, write_film
from tests.pictures import tiff_bytes

pytest.importorskip("c2pa")
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

TYPES = {"png": "image/png", "tif": "image/tiff", "jpg": "image/jpeg", "webp": "image/webp"}
COMPOSITE = DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA
PACKET = xmp_packet(COMPOSITE, Provenance(title="A work"))


def _name(words: str) -> x509.Name:
    organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Archive")
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, words), organisation])


def _certificate(subject: str, issuer: str, key, signing_key, *, is_root: bool) -> bytes:
    now = datetime.datetime.now(datetime.UTC)
    usage = dict.fromkeys(
        (
            *("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
            *("encipher_only", "decipher_only"),
        ),
        False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=not is_root, key_cert_sign=is_root, crl_sign=is_root, **usage
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()),
            critical=False,
        )
    )
    if not is_root:
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        builder = builder.add_extension(purpose, critical=False)
    signed = builder.sign(signing_key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path | str]:
    """An archive's own root, its certificate and key as files, and a root of somebody else."""
    folder = tmp_path_factory.mktemp("authority")
    roots = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("Own root", "Other root")}
    pem = {name: _certificate(name, name, key, key, is_root=True) for name, key in roots.items()}
    key = ec.generate_private_key(ec.SECP256R1())
    own = _certificate("Archive signer", "Own root", key, roots["Own root"], is_root=False)
    (folder / "chain.pem").write_bytes(own + pem["Own root"])
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return {
        "chain": folder / "chain.pem",
        "key": folder / "key.pem",
        "own": pem["Own root"].decode(),
        "other": pem["Other root"].decode(),
    }


@pytest.fixture
def signing(authority, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(CERTIFICATE, str(authority["chain"]))
    monkeypatch.setenv(KEY, str(authority["key"]))
    return authority


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (60, 80, 3), dtype=np.uint8)


def unsigned(form: str) -> bytes:
    match form:
        case "png":
            return png_bytes(picture(), PACKET)
        case "tif":
            return tiff_bytes(picture(), SourceEncoding("tiff", 8, 3), PACKET)
    return pyvips.Image.new_from_array(picture()).write_to_buffer(f".{form}", Q=90)


@pytest.fixture(params=TYPES)
def signed(request, signing, tmp_path: Path) -> Path:  # noqa: ARG001 - a certificate
    path = tmp_path / f"work.{request.param}"
    path.write_bytes(unsigned(request.param))
    sign_file(path, COMPOSITE, "A work")
    return path


def state(path: Path, anchors: str | None = None) -> str:
    return read_signature(path, TYPES[path.suffix[1:]], anchors).state


def test_a_signed_file_is_trusted_by_its_own_root_alone(signed: Path, signing) -> None:
    found = read_signature(signed, TYPES[signed.suffix[1:]], signing["own"])
    assert (found.state, found.signer) == ("trusted", "Archive signer")
    assert found.digital_source_type == COMPOSITE
    assert state(signed, signing["other"]) == "untrusted"
    assert state(signed) == "untrusted"


def test_signing_changes_no_pixel(signed: Path) -> None:
    before = pyvips.Image.new_from_buffer(unsigned(signed.suffix[1:]), "").numpy()
    assert (pyvips.Image.new_from_file(str(signed), revalidate=True).numpy() == before).all()


def test_one_bit_or_a_lost_end_is_a_change(signed: Path, signing) -> None:
    content = signed.read_bytes()
    changed = bytearray(content)
    changed[-40] ^= 1
    signed.write_bytes(changed)
    assert state(signed, signing["own"]) == "changed"
    signed.write_bytes(content[:-30])
    assert state(signed, signing["own"]) == "changed"


def test_a_new_mark_on_a_signed_file_is_a_change(signing, tmp_path: Path) -> None:
    path = tmp_path / "work.png"
    path.write_bytes(signed_bytes(unsigned("png"), ".png", COMPOSITE, "A work"))
    said = str(COMPOSITE).encode()
    other = b"digitalCapture".ljust(len(said))
    path.write_bytes(path.read_bytes().replace(said, other, 1))
    assert state(path, signing["own"]) == "changed"


def test_the_same_pixels_in_a_new_file_are_unsigned(signed: Path, signing) -> None:
    again = signed.with_name(f"again{signed.suffix}")
    Image.fromarray(np.asarray(Image.open(signed))).save(again)
    assert state(again, signing["own"]) == "unsigned"


def test_a_film_is_signed_last_and_every_change_of_it_is_seen(signing, tmp_path: Path) -> None:
    path = write_film(tmp_path / "walk.mp4", moving(1, 6), sound="aac")
    mark_film(path, PACKET)
    before = frames_of(path)
    sign_file(path, COMPOSITE, "A film")
    found = read_signature(path, "video/mp4", signing["own"])
    assert (found.state, found.signer) == ("trusted", "Archive signer")
    assert found.digital_source_type == COMPOSITE
    assert read_film_mark(path)["title"] == "A work"
    assert film_format(path) == "mp4"
    assert all(np.array_equal(*pair) for pair in zip(frames_of(path), before, strict=True))
    content = path.read_bytes()
    inside = content.index(b"A work")
    frame = content.index(b"mdat") + 60
    changes = {
        "the mark": content[:inside] + b"X" + content[inside + 1 :],
        "a frame": content[:frame] + bytes([content[frame] ^ 1]) + content[frame + 1 :],
        "the end": content[:-30],
    }
    for what, changed in changes.items():
        path.write_bytes(changed)
        assert read_signature(path, "video/mp4", signing["own"]).state == "changed", what
    path.write_bytes(content)
    mark_film(path, xmp_packet(DigitalSourceType.DIGITAL_CAPTURE, Provenance(title="Mine")))
    assert read_signature(path, "video/mp4", signing["own"]).state == "changed"
    write_film(path, before)
    assert read_signature(path, "video/mp4", signing["own"]).state == "unsigned"


def test_the_source_is_the_ingredient_of_what_was_made_of_it(signing, tmp_path: Path) -> None:
    import c2pa  # noqa: PLC0415 - the reader of another

    scan, made = tmp_path / "scan.tif", tmp_path / "made.tif"
    for path in (scan, made):
        path.write_bytes(unsigned("tif"))
    sign_file(made, COMPOSITE, "A work", scan)
    with c2pa.Reader(str(made)) as reader:
        manifest = reader.get_active_manifest()
    assert [one["relationship"] for one in manifest["ingredients"]] == ["parentOf"]
    assert state(made, signing["own"]) == "trusted"


def test_without_a_certificate_nothing_is_signed(tmp_path: Path) -> None:
    path = tmp_path / "work.png"
    path.write_bytes(unsigned("png"))
    sign_file(path, COMPOSITE, "A work")
    assert path.read_bytes() == unsigned("png")
    assert state(path) == "unsigned"


def test_half_a_configuration_and_a_root_that_may_not_sign_are_refused(
    authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(CERTIFICATE, str(authority["chain"]))
    with pytest.raises(MissingAssetError, match="ARTGAN_SIGNING_KEY must name a file"):
        signed_bytes(unsigned("png"), ".png", COMPOSITE, "A work")
    (tmp_path / "root.pem").write_text(authority["own"])
    monkeypatch.setenv(CERTIFICATE, str(tmp_path / "root.pem"))
    monkeypatch.setenv(KEY, str(authority["key"]))
    with pytest.raises(InvalidInputError, match="must name a certificate that may sign"):
        signed_bytes(unsigned("png"), ".png", COMPOSITE, "A work")
