"""Where files lie: a local folder or an ``s3://`` prefix, behind the same few calls.

Keys are relative paths with forward slashes. Every object is written whole: locally a temporary
file is renamed into place, on S3 one put carries all bytes. A reader therefore never sees half an
object, and a killed writer leaves at most a file under ``_tmp/``, which `Store.sweep` removes.

The endpoint and the credentials of S3 come from the usual AWS variables (``AWS_ENDPOINT_URL``,
``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_SESSION_TOKEN``, ``AWS_REGION``).
"""

from artgan.storage.local import TEMPORARY, LocalStore
from artgan.storage.opening import check_conditional_put, open_store, store_at
from artgan.storage.s3 import S3Store
from artgan.storage.store import Entry, Store

__all__ = [
    "TEMPORARY",
    "Entry",
    "LocalStore",
    "S3Store",
    "Store",
    "check_conditional_put",
    "open_store",
    "store_at",
]
