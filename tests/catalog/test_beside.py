"""Files of an output: those of a folder, and those of archives from before there were folders."""

from artgan.catalog.beside import CHECKED, FILES, GONE, effective_mask_key, files_of
from artgan.catalog.schema import OUTPUTS

FLAT = {"kind": "restored", "output_path": "outputs/restored/prints/o1.tif"}


def test_every_column_that_names_a_file_is_known():
    paths = {name for name in OUTPUTS.schema.names if name.endswith("_path")}
    digests = {name for name in OUTPUTS.schema.names if name.endswith("_sha256")}
    digests -= {"source_sha256"}  # of a film that was delivered: no file of the archive
    assert set(FILES) == paths
    assert {digest for _, digest in CHECKED} == digests
    assert set(GONE) == paths | digests | {"output_bytes", "phash"}


def test_a_folder_has_the_files_that_its_row_names():
    row = dict.fromkeys(FILES) | {"kind": "restored"}
    assert files_of(row) == []
    row |= {"output_path": "a/restored.tif", "effective_mask_path": "a/m.png", "patch_path": "a/p"}
    assert sorted(files_of(row)) == ["a/m.png", "a/p", "a/restored.tif"]
    assert effective_mask_key(row) == "a/m.png"


def test_an_older_restoration_has_its_mask_beside_it():
    assert files_of(FLAT) == [FLAT["output_path"], "outputs/restored/prints/o1.mask.png"]
    assert effective_mask_key(FLAT) == "outputs/restored/prints/o1.mask.png"
    assert files_of({"kind": "stylized", "output_path": "o.png"}) == ["o.png"]
