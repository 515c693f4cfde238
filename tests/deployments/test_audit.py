"""An audit that nobody answered is not taken for a clean one."""

from deployments.audit import judge


def package(name: str, **more):
    return {"name": name, "version": "1.0", "vulns": [], **more}


WEAK = {"id": "PYSEC-2026-1", "fix_versions": ["1.1"], "aliases": []}


def test_answers_without_weaknesses_are_a_clean_audit() -> None:
    assert judge({"dependencies": [package("a"), package("b")]}, "") == (
        0,
        ["0 of 2 packages have known weaknesses."],
    )


def test_weaknesses_are_named_with_what_mends_them() -> None:
    code, lines = judge({"dependencies": [package("a", vulns=[WEAK]), package("b")]}, "")
    assert code == 1
    assert lines[0] == "a 1.0: PYSEC-2026-1, mended in 1.1."


def test_a_mirror_without_advisories_and_no_network_are_told_from_a_clean_audit() -> None:
    skipped = [{"name": "a", "skip_reason": "not found"}, {"name": "b", "skip_reason": "not found"}]
    for report, words in (
        ({"dependencies": skipped}, "No known vulnerabilities found"),
        (None, "ERROR: HTTPSConnectionPool: Name or service not known"),
        ({"dependencies": []}, ""),
    ):
        code, (line,) = judge(report, words)
        assert code == 3
        assert line.startswith("Weaknesses must be asked for at PyPI, got answers for 0 of")
