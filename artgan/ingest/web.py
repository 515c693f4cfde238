"""Reading from servers of other institutions: patiently, politely, and never more than asked for.

Requests to one host follow each other with a pause, say who asks, and are repeated only where
that may help: the server is busy, or the connection broke. A server that says when to come back is
obeyed. Only public addresses are asked unless the settings allow others, also after a redirect, so
that an address in somebody's manifest cannot make this machine read its own network.
"""

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from urllib.request import getproxies

import httpx

from artgan.clock import now
from artgan.ingest.addresses import SourceUnavailable, check_address, check_public, host_of
from artgan.keys import VERSION

USER_AGENT = f"artgan/{VERSION} (archive ingest; reads IIIF manifests that its operator named)"

_ATTEMPTS = 5
_LONGEST_PAUSE_S = 120.0
_LONGEST_DOWNLOAD_S = 3600.0
_TIMEOUT = httpx.Timeout(60.0, connect=15.0)
_MOST_REDIRECTS = 5
_BUSY = {408, 425, 429, 500, 502, 503, 504}
_MOST_JSON_BYTES = 100_000_000
_PIECE_BYTES = 1 << 16
# A host that failed so often in a row is not asked again in this run.
_GIVES_UP_AFTER = 3


class _TryAgainError(Exception):
    """An answer that may be better next time.

    Attributes:
        after_s: Seconds that the server asked for; None where it did not say.
    """

    def __init__(self, words: str, after_s: float | None = None) -> None:
        super().__init__(words)
        self.after_s = after_s


@dataclass(frozen=True)
class Fetched:
    """What a server said of something that was downloaded.

    Attributes:
        url: Address after redirects.
        media_type: As stated, without parameters; empty if not.
        etag: Its mark of this version, if any.
        last_modified: Its date of this version, as text, if any.
        size: Bytes.
    """

    url: str
    media_type: str
    etag: str | None
    last_modified: str | None
    size: int


@dataclass
class Web:
    """A polite reader; one for a run, since it remembers when it last asked which host.

    Attributes:
        delay_s: Pause between two requests to the same host, in seconds.
        allow_private: Whether addresses of this machine and its own network may be asked.
        sleep: Waits for some seconds.
    """

    delay_s: float
    allow_private: bool = False
    sleep: Callable[[float], None] = time.sleep
    _client: httpx.Client = field(
        default_factory=lambda: httpx.Client(
            timeout=_TIMEOUT,
            follow_redirects=False,
            headers={"User-Agent": USER_AGENT},
        )
    )
    _asked_at: dict[str, float] = field(default_factory=dict)
    _failures: dict[str, int] = field(default_factory=dict)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def read_json(self, url: str) -> Any:  # noqa: ANN401 - JSON may be anything
        """Return what a JSON document holds.

        Raises:
            SourceUnavailable: If it is not to be had, too large, or no JSON.
        """
        accept = {"Accept": "application/ld+json, application/json;q=0.9, */*;q=0.1"}
        content = bytearray()
        self._fetch(url, accept, _MOST_JSON_BYTES, content.extend, content.clear)
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise SourceUnavailable(
                f"{url} must be JSON, got {bytes(content[:40])!r}. Check the address."
            ) from error

    def download(self, url: str, path: Path, most_bytes: int) -> Fetched:
        """Download into a file; only a whole download leaves this without an error.

        Raises:
            SourceUnavailable: If it is not to be had, or too large.
        """
        with path.open("wb") as file:

            def restart() -> None:
                file.seek(0)
                file.truncate()

            # Compressed on its way, a picture's stated length would say nothing.
            headers = {"Accept": "image/*, */*;q=0.1", "Accept-Encoding": "identity"}
            return self._fetch(url, headers, most_bytes, file.write, restart)

    def _fetch(
        self,
        url: str,
        headers: dict[str, str],
        most_bytes: int,
        write: Callable[[bytes], object],
        restart: Callable[[], object],
    ) -> Fetched:
        host = host_of(url)
        if self._failures.get(host, 0) >= _GIVES_UP_AFTER:
            raise SourceUnavailable(
                f"{url} must be reachable, got no answer from {host} several times before. "
                "It is tried again in the next run."
            )
        for attempt in range(1, _ATTEMPTS + 1):
            restart()
            try:
                fetched = self._once(url, headers, most_bytes, write)
            except httpx.InvalidURL as error:
                raise SourceUnavailable(
                    f"{url} must be an address, got: {error}. Correct it."
                ) from error
            except (_TryAgainError, httpx.RequestError) as error:
                self._wait_or_give_up(url, attempt, error)
            else:
                self._failures[host] = 0
                return fetched
        raise AssertionError("the last attempt returns or raises")

    def _wait_or_give_up(self, url: str, attempt: int, error: Exception) -> None:
        after_s = error.after_s if isinstance(error, _TryAgainError) else None
        words = str(error) or type(error).__name__
        if attempt == _ATTEMPTS or (after_s or 0.0) > _LONGEST_PAUSE_S:
            host, is_told = host_of(url), (after_s or 0.0) > _LONGEST_PAUSE_S
            self._failures[host] = _GIVES_UP_AFTER if is_told else self._failures.get(host, 0) + 1
            waits = f", and is to be asked again in {after_s:.0f} s" if after_s else ""
            raise SourceUnavailable(
                f"{url} must be readable, got after {attempt} attempts: {words}{waits}. "
                "It is tried again in the next run."
            ) from error
        # Twice as long each time, and not in step with others who wait.
        pause_s = max(1.0, self.delay_s) * 2 ** (attempt - 1) * random.uniform(0.8, 1.2)  # noqa: S311
        self.sleep(min(_LONGEST_PAUSE_S, pause_s if after_s is None else after_s))

    def _once(
        self, url: str, headers: dict[str, str], most_bytes: int, write: Callable[[bytes], object]
    ) -> Fetched:
        with self._response(url, headers) as response:
            _check_status(url, response)
            stated = int(response.headers.get("content-length") or 0)
            if stated > most_bytes:
                raise _too_large(url, most_bytes)
            size, started = 0, time.monotonic()
            for piece in response.iter_bytes(_PIECE_BYTES):
                size += len(piece)
                if size > most_bytes:
                    raise _too_large(url, most_bytes)
                if time.monotonic() - started > _LONGEST_DOWNLOAD_S:
                    raise _TryAgainError(f"no end within {_LONGEST_DOWNLOAD_S:.0f} s")
                write(piece)
            if stated > response.num_bytes_downloaded:
                raise _TryAgainError(f"{response.num_bytes_downloaded} of {stated} bytes")
            return Fetched(
                url=str(response.url),
                media_type=response.headers.get("content-type", "").split(";")[0].strip().lower(),
                etag=response.headers.get("etag"),
                last_modified=response.headers.get("last-modified"),
                size=size,
            )

    @contextmanager
    def _response(self, url: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
        """Ask, and follow redirects, each to an address that may be asked."""
        address = url
        for _ in range(_MOST_REDIRECTS + 1):
            self._check(address)
            self._be_patient(address)
            with self._client.stream("GET", address, headers=headers) as response:
                self._check_peer(url, response)
                if not response.is_redirect:
                    yield response
                    return
                address = _joined(address, response.headers.get("location", ""))
        raise SourceUnavailable(
            f"{url} must lead somewhere, got more than {_MOST_REDIRECTS} redirects. "
            "Check the address in a browser."
        )

    def _be_patient(self, url: str) -> None:
        host = host_of(url)
        passed_s = time.monotonic() - self._asked_at.get(host, float("-inf"))
        if passed_s < self.delay_s:
            self.sleep(self.delay_s - passed_s)
        self._asked_at[host] = time.monotonic()

    def _check(self, address: str) -> None:
        try:
            check_address(address, allow_private=self.allow_private)
        except (OSError, UnicodeError) as error:
            raise _TryAgainError(f"no address for {host_of(address)} ({error})") from error

    def _check_peer(self, url: str, response: httpx.Response) -> None:
        """Check who really answered: a name may have changed its address since it was looked up."""
        if self.allow_private or getproxies():
            return
        peer = response.extensions["network_stream"].get_extra_info("server_addr")
        check_public(url, str(peer[0]))


def _joined(address: str, location: str) -> str:
    try:
        return urljoin(address, location)
    except ValueError:  # brackets that are no IPv6 address
        return location


def _check_status(url: str, response: httpx.Response) -> None:
    if response.status_code in _BUSY:
        raise _TryAgainError(f"HTTP {response.status_code}", _retry_after_s(response))
    if response.status_code != httpx.codes.OK:
        raise SourceUnavailable(
            f"{url} must be readable, got HTTP {response.status_code} {response.reason_phrase}. "
            "Check the address, and whether the institution gives it to everybody."
        )


def _retry_after_s(response: httpx.Response) -> float | None:
    """Read Retry-After: seconds, or a date."""
    text = response.headers.get("retry-after", "").strip()
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - now()).total_seconds())
    except (TypeError, ValueError):
        return None


def _too_large(url: str, most_bytes: int) -> SourceUnavailable:
    return SourceUnavailable(
        f"{url} must have at most {most_bytes:,} bytes, got more. Deliver the file in the inbox."
    )
