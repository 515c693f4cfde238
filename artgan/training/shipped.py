"""The weights that come with artgan, alone: whoever measures them needs no archive."""

from importlib.resources import files

FILE = "starter.safetensors"


def starter_bytes() -> bytes:
    """Return the packed weights of the filler, about one megabyte."""
    return (files("artgan.training") / FILE).read_bytes()
