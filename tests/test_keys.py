import hashlib
import subprocess
import sys

import artgan
from artgan.keys import file_sha256


def test_the_version_in_keys_is_that_of_the_code_that_runs(tmp_path):
    """What an older installation left beside the sources was once taken for it."""
    left = tmp_path / "artgan.egg-info"
    left.mkdir()
    (left / "PKG-INFO").write_text("Metadata-Version: 2.4\nName: artgan\nVersion: 0.0.1\n")
    asked = "from artgan.keys import VERSION; print(VERSION)"
    said = subprocess.run(
        [sys.executable, "-c", asked], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == artgan.__version__


def test_sha256_is_that_of_the_bytes(tmp_path):
    path = tmp_path / "work"
    path.write_bytes(b"scan" * 1000)
    assert file_sha256(path) == hashlib.sha256(b"scan" * 1000).hexdigest()
