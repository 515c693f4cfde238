import gzip
import socket
import time
from collections.abc import Iterator
from email.utils import formatdate
from itertools import pairwise

import pytest

from artgan.ingest import web as module
from artgan.ingest.addresses import SourceUnavailable, check_public
from artgan.ingest.web import Web


@pytest.fixture
def slept() -> list[float]:
    """Pauses that the reader asked for, instead of being slept."""
    return []


@pytest.fixture
def web(slept) -> Iterator[Web]:
    reader = Web(delay_s=0, allow_private=True, sleep=slept.append)
    yield reader
    reader.close()


def test_a_server_that_is_busy_is_asked_again_after_longer_and_longer_pauses(web, museum, slept):
    busy = {"status": 503}
    url = museum.say("/m", busy, busy, busy, {"body": b'{"id": 1}'})
    assert web.read_json(url) == {"id": 1}
    assert len(museum.asked) == 4
    assert len(slept) == 3
    assert 0.8 <= slept[0] <= 1.2
    assert 1.6 <= slept[1] <= 2.4
    assert 3.2 <= slept[2] <= 4.8


@pytest.mark.parametrize("stated", ["7", "date"])
def test_a_server_that_says_when_to_come_back_is_obeyed(web, museum, slept, stated):
    after = formatdate(time.time() + 7, usegmt=True) if stated == "date" else stated
    url = museum.say("/m", {"status": 429, "headers": {"Retry-After": after}}, {"body": b"[]"})
    assert web.read_json(url) == []
    assert slept == [pytest.approx(7, abs=1.5)]


def test_a_server_that_wants_an_hour_is_left_alone_in_this_run(web, museum, slept):
    url = museum.say("/m", {"status": 429, "headers": {"Retry-After": "3600"}})
    other = museum.say("/n", {"body": b"[]"})
    with pytest.raises(SourceUnavailable, match="HTTP 429, and is to be asked again in 3600 s"):
        web.read_json(url)
    with pytest.raises(SourceUnavailable, match="several times before"):
        web.read_json(other)
    assert museum.paths == ["/m"]
    assert slept == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_refusal_is_not_asked_again(web, museum, status):
    url = museum.say("/m", {"status": status})
    with pytest.raises(SourceUnavailable, match=f"got HTTP {status}"):
        web.read_json(url)
    assert len(museum.asked) == 1


def test_an_answer_that_breaks_off_is_asked_for_again_and_nothing_half_is_kept(
    web, museum, tmp_path
):
    whole = b"picture" * 50_000
    url = museum.say("/p", {"body": whole[:999], "promised": len(whole) - 999}, {"body": whole})
    fetched = web.download(url, tmp_path / "p", 10**6)
    assert (tmp_path / "p").read_bytes() == whole
    assert fetched.size == len(whole)
    assert len(museum.asked) == 2


def test_an_answer_that_always_breaks_off_is_an_error(web, museum, tmp_path):
    url = museum.say("/p", {"body": b"half", "promised": 100})
    with pytest.raises(SourceUnavailable, match=r"after 5 attempts: .*body"):
        web.download(url, tmp_path / "p", 10**6)
    assert len(museum.asked) == 5


def test_a_slow_answer_is_waited_for_but_not_for_ever(web, museum, tmp_path, monkeypatch):
    url = museum.say("/p", {"body": b"slow picture", "pause_s": 0.4})
    assert web.download(url, tmp_path / "p", 100).size == 12
    web._client.timeout = 0.1
    with pytest.raises(SourceUnavailable, match="after 5 attempts"):
        web.download(url, tmp_path / "p", 100)
    web._client.timeout = 5.0
    monkeypatch.setattr(module, "_LONGEST_DOWNLOAD_S", 0.1)
    with pytest.raises(SourceUnavailable, match="no end within"):
        web.download(url, tmp_path / "p", 100)


def test_a_host_that_does_not_answer_is_given_up_after_three_addresses(web, slept):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{probe.getsockname()[1]}"
    for number in range(3):
        with pytest.raises(SourceUnavailable, match="after 5 attempts"):
            web.read_json(f"{base}/{number}")
    pauses = len(slept)
    with pytest.raises(SourceUnavailable, match="several times before"):
        web.read_json(f"{base}/3")
    assert len(slept) == pauses


def test_requests_to_one_host_keep_their_distance_and_say_who_asks(museum):
    web = Web(delay_s=0.3, allow_private=True)
    url = museum.say("/m", {"body": b"[]"})
    for _ in range(3):
        web.read_json(url)
    web.close()
    moments = [moment for _, moment, _ in museum.asked]
    assert all(later - earlier > 0.28 for earlier, later in pairwise(moments))
    assert all(agent.startswith("artgan/") for _, _, agent in museum.asked)


def test_what_is_too_large_is_refused_by_its_stated_length_and_by_its_true_one(
    web, museum, tmp_path, monkeypatch
):
    url = museum.say("/p", {"body": b"x" * 1000})
    with pytest.raises(SourceUnavailable, match="at most 999 bytes"):
        web.download(url, tmp_path / "p", 999)
    bomb = gzip.compress(b" " * 5_000_000)
    url = museum.say("/m", {"body": bomb, "headers": {"Content-Encoding": "gzip"}})
    monkeypatch.setattr(module, "_MOST_JSON_BYTES", 100_000)
    assert len(bomb) < 100_000
    with pytest.raises(SourceUnavailable, match="at most 100,000 bytes"):
        web.read_json(url)


@pytest.mark.parametrize("body", [b"<html>Not here</html>", b"\xff\xfe\x00", b"", b"[" * 100_000])
def test_what_is_no_json_is_refused_in_a_sentence(web, museum, body):
    with pytest.raises(SourceUnavailable, match="must be JSON"):
        web.read_json(museum.say("/m", {"body": body}))


def test_redirects_are_followed_but_not_for_ever(web, museum):
    museum.say("/b", {"body": b"[1]"})
    url = museum.say("/a", {"status": 302, "headers": {"Location": "/b"}})
    assert web.read_json(url) == [1]
    loop = museum.say("/loop", {"status": 301, "headers": {"Location": "/loop"}})
    with pytest.raises(SourceUnavailable, match="more than 5 redirects"):
        web.read_json(loop)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.org/x",
        "/etc/passwd",
        "https://",
        "http://[broken",
        "javascript:alert(1)",
    ],
)
def test_only_web_addresses_are_asked_also_after_a_redirect(web, museum, url):
    with pytest.raises(SourceUnavailable, match="must begin with https"):
        web.read_json(url)
    redirect = museum.say("/r", {"status": 302, "headers": {"Location": url}})
    if not url.startswith("/"):
        with pytest.raises(SourceUnavailable):
            web.read_json(redirect)


def test_the_own_network_is_not_asked_unless_the_settings_allow_it(museum):
    url = museum.say("/m", {"body": b"[]"})
    web = Web(delay_s=0, sleep=lambda _: None)
    for address in (url, url.replace("127.0.0.1", "localhost")):
        with pytest.raises(SourceUnavailable, match="set fetch_private"):
            web.read_json(address)
    web.close()
    assert museum.asked == []


def test_who_answers_is_checked_when_a_name_changed_its_address_meanwhile(museum, monkeypatch):
    """The first look-up says a public address; the connection then goes to this machine."""
    url = museum.say("/m", {"body": b"[]"}).replace("127.0.0.1", "localhost")
    monkeypatch.setattr(module, "getproxies", dict)
    monkeypatch.setattr(module, "check_address", lambda *_, **__: None)
    web = Web(delay_s=0, sleep=lambda _: None)
    with pytest.raises(SourceUnavailable, match=r"got the address (127\.0\.0\.1|::1)"):
        web.read_json(url)
    web.close()


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3",
        "192.168.0.1",
        "169.254.169.254",
        "::1",
        "fe80::1%eth0",
        "::ffff:127.0.0.1",
        "fd00::1",
        "0.0.0.0",
        "224.0.0.1",
    ],
)
def test_addresses_that_are_not_public_are_known(address):
    with pytest.raises(SourceUnavailable, match="public internet"):
        check_public("https://example.org", address)
    check_public("https://example.org", "93.184.216.34")
