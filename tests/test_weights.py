import hashlib
import os

import fsspec
import pytest

from artgan import weights
from artgan.errors import CorruptAssetError, MissingAssetError
from artgan.weights import KNOWN_WEIGHTS, WeightsSpec, cache_folder, find_weights, weights_sha256

CONTENT = b"weights of a network"
SPEC = WeightsSpec(
    name="toy",
    file_names=("toy-first.pth", "toy-second.pth"),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    licence="CC0",
    source_url="https://example.org/toy",
    note="For tests.",
)


@pytest.fixture
def remote():
    files = fsspec.filesystem("memory")
    files.store.clear()
    yield files
    files.store.clear()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ARTGAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "weights"


def test_no_location_or_an_empty_folder_finds_nothing(tmp_path):
    assert find_weights(SPEC, None) is None
    assert find_weights(SPEC, str(tmp_path)) is None


def test_a_mistyped_folder_is_no_empty_folder(tmp_path):
    with pytest.raises(MissingAssetError, match="weights must be an existing folder"):
        find_weights(SPEC, str(tmp_path / "absent"))


@pytest.mark.parametrize("name", SPEC.file_names)
def test_file_is_found_in_a_folder_under_each_of_its_names(tmp_path, name):
    (tmp_path / name).write_bytes(CONTENT)
    assert find_weights(SPEC, str(tmp_path)) == tmp_path / name
    assert find_weights(SPEC, f"file://{tmp_path}") == tmp_path / name
    assert find_weights(SPEC, str(tmp_path / name)) == tmp_path / name


def test_file_under_a_name_of_the_users_own_is_known_by_its_bytes(tmp_path):
    own = tmp_path / "renamed.bin"
    own.write_bytes(CONTENT)
    assert find_weights(SPEC, str(own)) == own
    own.write_bytes(b"something else")
    assert find_weights(SPEC, str(own)) is None


def test_wrong_bytes_are_an_error_that_names_both_hashes(tmp_path):
    path = tmp_path / SPEC.file_names[0]
    path.write_bytes(b"half")
    with pytest.raises(CorruptAssetError) as caught:
        find_weights(SPEC, str(tmp_path))
    assert SPEC.sha256 in str(caught.value)
    assert hashlib.sha256(b"half").hexdigest() in str(caught.value)
    assert str(path) in str(caught.value)


def test_prefix_of_a_hash_is_enough_where_no_more_is_published(tmp_path):
    short = WeightsSpec("toy", ("toy.pth",), SPEC.sha256[:8], "CC0", "https://example.org", "")
    (tmp_path / "toy.pth").write_bytes(CONTENT)
    assert find_weights(short, str(tmp_path)) == tmp_path / "toy.pth"
    (tmp_path / "toy.pth").write_bytes(CONTENT + b"!")
    with pytest.raises(CorruptAssetError):
        find_weights(short, str(tmp_path))


def test_file_that_changed_is_read_again(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"one")
    first = weights_sha256(path)
    path.write_bytes(b"two")
    os.utime(path, ns=(1, 1))
    assert weights_sha256(path) == hashlib.sha256(b"two").hexdigest() != first


def test_remote_file_is_fetched_once_and_then_taken_from_the_cache(remote, cache):
    remote.pipe_file("/bucket/weights/toy-second.pth", CONTENT)
    path = find_weights(SPEC, "memory://bucket/weights/")
    assert path == cache / "toy-second.pth"
    assert path.read_bytes() == CONTENT
    remote.rm_file("/bucket/weights/toy-second.pth")
    assert find_weights(SPEC, "memory://bucket/weights") == path
    assert [entry.name for entry in cache.iterdir()] == ["toy-second.pth"]


def test_file_is_fetched_from_a_real_s3_endpoint(s3_root, cache):
    files = fsspec.filesystem("s3")
    assert find_weights(SPEC, s3_root) is None
    files.pipe_file(f"{s3_root}/toy-first.pth", CONTENT)
    assert find_weights(SPEC, s3_root) == cache / "toy-first.pth"
    files.pipe_file(f"{s3_root}/other/toy-first.pth", b"half")
    (cache / "toy-first.pth").unlink()
    with pytest.raises(CorruptAssetError, match="other/toy-first"):
        find_weights(SPEC, f"{s3_root}/other")
    with pytest.raises(MissingAssetError, match="reachable"):
        find_weights(SPEC, "unknown-scheme://bucket/weights")


@pytest.mark.usefixtures("remote")
def test_remote_file_that_is_absent_finds_nothing_and_leaves_nothing(cache):
    assert find_weights(SPEC, "memory://bucket/empty") is None
    assert list(cache.iterdir()) == []


def test_remote_file_of_wrong_bytes_is_an_error_and_never_stays(remote, cache):
    remote.pipe_file("/bucket/toy-first.pth", b"half")
    with pytest.raises(CorruptAssetError, match=r"memory://bucket/toy-first\.pth"):
        find_weights(SPEC, "memory://bucket")
    assert list(cache.iterdir()) == []


def test_download_that_breaks_off_is_an_error_and_leaves_nothing(remote, cache, monkeypatch):
    remote.pipe_file("/bucket/toy-first.pth", CONTENT)

    def broken(_self, _source, target):
        with open(target, "wb") as file:  # noqa: PTH123
            file.write(CONTENT[:5])
        raise ConnectionResetError("connection reset")

    monkeypatch.setattr(type(remote), "get_file", broken)
    with pytest.raises(MissingAssetError, match="connection reset"):
        find_weights(SPEC, "memory://bucket")
    assert list(cache.iterdir()) == []


def test_damaged_file_in_the_cache_is_fetched_again(remote, cache):
    remote.pipe_file("/bucket/toy-first.pth", CONTENT)
    cache.mkdir(parents=True)
    (cache / "toy-first.pth").write_bytes(b"cut off")
    path = find_weights(SPEC, "memory://bucket")
    assert path is not None
    assert path.read_bytes() == CONTENT


def test_cache_lies_where_the_variable_says_or_in_the_home_folder(monkeypatch, tmp_path):
    assert cache_folder() == tmp_path / "cache" / "weights"
    monkeypatch.delenv("ARTGAN_CACHE")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert str(cache_folder()) == "/home/somebody/.cache/artgan/weights"


def test_known_weights_name_their_licence_source_and_hash():
    assert len({spec.name for spec in KNOWN_WEIGHTS}) == len(KNOWN_WEIGHTS) == 5
    for spec in KNOWN_WEIGHTS:
        assert spec.licence
        assert spec.source_url.startswith("https://")
        assert len(spec.sha256) in (8, 64) or "No sha256 is published" in spec.note
    assert all(weights.INCEPTION.sha256 in name for name in weights.INCEPTION.file_names)


def test_a_file_of_another_name_is_not_taken_for_weights_without_a_known_sha256(tmp_path):
    other = tmp_path / "mine.pth"
    other.write_bytes(CONTENT)
    assert find_weights(weights.ART_INCEPTION, str(other)) is None
    named = other.rename(tmp_path / "art_inception.pth")
    assert find_weights(weights.ART_INCEPTION, str(tmp_path)) == named


def test_vgg_of_the_test_data_has_the_known_bytes():
    root = os.environ.get("ARTGAN_TEST_DATA")
    if not root:
        pytest.skip("ARTGAN_TEST_DATA is not set")
    assert find_weights(weights.VGG19_CONV3_4, f"{root}/weights") is not None
