"""Every kind of file that museums deliver is judged rightly, and shows what it should."""

import functools

import numpy as np
import pytest

from artgan.imaging.colour import to_srgb
from artgan.imaging.decode import decode, render, scan_array
from artgan.imaging.read import read_rgb
from artgan.ingest.discover import FoundFile
from artgan.ingest.inspect import Accepted, Refused, inspect
from tests.ingest.corpus.all import CORPUS, pages_of
from tests.ingest.corpus.case import ACCEPTED, MAX_PIXELS, Case, plainly

BY_NAME = {case.name: case for case in CORPUS}


@functools.cache
def content_of(name):
    return BY_NAME[name].write()


@pytest.fixture
def file(tmp_path, request):
    path = tmp_path / request.param.name
    path.write_bytes(content_of(request.param.name))
    return request.param, path


def each(cases):
    return pytest.mark.parametrize("file", cases, ids=[case.name for case in cases], indirect=True)


def accepted_pages(case: Case):
    return [number for number, one in enumerate(pages_of(case), start=1) if one == ACCEPTED]


def of_pages(readers):
    return readers if isinstance(readers, tuple) else (readers,)


def values(array):
    return array[:, :, None] if array.ndim == 2 else array


WELL_READ = [case for case in CORPUS if accepted_pages(case)]


@each(CORPUS)
def test_each_file_is_judged_as_expected(file):
    case, path = file
    found = FoundFile("corpus", f"corpus/{case.name}", path.stat().st_size, "v1", "scan")
    judged = list(inspect(path, found, MAX_PIXELS))
    reasons = [one.reason if isinstance(one, Refused) else ACCEPTED for one in judged]
    assert tuple(reasons) == pages_of(case)
    for one in judged:
        if isinstance(one, Accepted):
            assert {name: one.row[name] for name in case.facts} == case.facts
            assert read_rgb(one.access).shape[2] == 3
        else:
            assert one.message.startswith(f"corpus/{case.name}")
            assert " must " in one.message
            assert ", got " in one.message


@each([case for case in WELL_READ if case.pixels is not None])
def test_own_values_are_those_that_another_library_has(file):
    case, path = file
    for page, reader in zip(accepted_pages(case), of_pages(case.pixels), strict=True):
        expected = values(reader(path.read_bytes()))
        array, encoding = scan_array(path, MAX_PIXELS, page)
        assert (array.dtype, array.shape) == (expected.dtype, expected.shape)
        assert np.abs(array.astype(int) - expected).max() <= case.within
        assert not encoding.converted


@each(WELL_READ)
def test_the_access_copy_shows_what_another_route_to_srgb_shows(file):
    case, path = file
    readers = of_pages(case.shown or case.pixels)
    for page, reader in zip(accepted_pages(case), readers, strict=True):
        expected = reader(path.read_bytes())
        scan = decode(path, MAX_PIXELS, page=page)
        shown = render(scan, to_srgb(scan.image)).astype(int)
        difference = np.abs(shown - (expected if case.shown else plainly(expected)))
        assert difference.mean() <= case.mean
        if case.shown is None:
            assert difference.max() <= max(1, case.within)


def test_the_corpus_is_large_and_its_names_are_unique():
    assert len({case.name for case in CORPUS}) == len(CORPUS) >= 80
