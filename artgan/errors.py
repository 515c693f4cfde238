"""Every error that artgan raises on purpose.

Each message is one sentence, ``<name> must <rule>, got <value>. <what to do>.``
"""


class ArtganError(Exception):
    """Base of all errors that a user can mend; a message is shown without a trace."""


class InvalidInputError(ArtganError, ValueError):
    """A value given by the caller breaks a stated rule."""


class MissingAssetError(ArtganError, LookupError):
    """A file, table, model or set of weights that is needed is not there."""


class UnreachableError(ArtganError):
    """A store or a file in it does not answer, which says nothing about whether it is there."""


class KilledError(ArtganError):
    """A process was killed from outside; what it had done is kept, and it may be started again."""


class CorruptAssetError(ArtganError):
    """A file is there but its bytes are not what they should be."""
