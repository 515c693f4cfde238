"""What child processes that decode have in common: limits of the kernel, orders in, replies out.

Orders come as JSON lines on standard input; replies go to the standard output that the process was
started with, each a JSON line, with bytes behind it where it names their number. Nothing but JSON
and pictures passes either way: what breaks out of a codec finds no credentials, and cannot hand its
parent an object to unpack.
"""

import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from artgan.ingest.isolation import leave_network

Order = dict[str, Any]
OUT_OF_MEMORY = "out_of_memory"
_OPEN_FILES = 256


def serve(obey: Callable[[Order, BinaryIO], None], check: Callable[[], None]) -> None:
    """Take orders until standard input ends; ``sys.argv[1]`` is the most memory, in MB.

    Args:
        obey: Carries out an order and sends replies.
        check: Proves, under the limits, that the process is as it should be.
    """
    # Codecs print to standard output too: what they say must not be taken for a reply.
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    is_alone = leave_network()
    limit(resource.RLIMIT_AS, int(sys.argv[1]) << 20)
    limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    limit(resource.RLIMIT_CORE, 0)
    check()
    send(replies, {"ready": True, "alone": is_alone})
    for line in sys.stdin.buffer:
        try:
            obey(json.loads(line), replies)
        except MemoryError:
            send(replies, {"died": OUT_OF_MEMORY})
            sys.exit(1)
        send(replies, {"end": True, "cpu_s": used_s(), "memory_mb": _resident_mb()})


def limit(what: int, most: int) -> None:
    """Lower a limit of this process; the hard one stays, so that it can be moved again."""
    _, hard = resource.getrlimit(what)
    resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def used_s() -> float:
    """Processor time of this process, in seconds."""
    return sum(resource.getrusage(resource.RUSAGE_SELF)[:2])


def _resident_mb() -> float:
    """Memory that this process holds now, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def send(replies: BinaryIO, message: dict[str, Any], content: bytes = b"") -> None:
    """Send a reply, with bytes behind it."""
    replies.write(json.dumps(message | {"bytes": len(content)}).encode() + b"\n" + content)
    replies.flush()
