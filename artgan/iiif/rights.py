"""Rights as museums write them, to the URIs that IIIF asks for.

Only what leaves no doubt is mapped: a licence needs its version, and a sentence that merely
mentions one is not the licence. Whatever is not mapped stays the text that it is.

References:
    https://iiif.io/api/presentation/3.0/#rights; https://creativecommons.org/licenses/;
    https://rightsstatements.org/page/1.0/
"""

import re
from urllib.parse import urlsplit

_ZERO = "http://creativecommons.org/publicdomain/zero/1.0/"
_PUBLIC_DOMAIN = "http://creativecommons.org/publicdomain/mark/1.0/"
_LICENCE = "http://creativecommons.org/licenses/{}/{}/"
_STATEMENT = "http://rightsstatements.org/vocab/{}/1.0/"

_HOSTS = {"creativecommons.org", "rightsstatements.org"}
_KNOWN = {
    "cc0": _ZERO,
    "cc0 1.0": _ZERO,
    "cc zero": _ZERO,
    "cc0 1.0 universal": _ZERO,
    "creative commons zero": _ZERO,
    "creative commons zero 1.0": _ZERO,
    "public domain": _PUBLIC_DOMAIN,
    "public domain mark": _PUBLIC_DOMAIN,
    "public domain mark 1.0": _PUBLIC_DOMAIN,
    "pdm": _PUBLIC_DOMAIN,
    "pdm 1.0": _PUBLIC_DOMAIN,
    "publiek domein": _PUBLIC_DOMAIN,
    "gemeinfrei": _PUBLIC_DOMAIN,
    "domaine public": _PUBLIC_DOMAIN,
    "in copyright": _STATEMENT.format("InC"),
    "in copyright - eu orphan work": _STATEMENT.format("InC-OW-EU"),
    "in copyright - educational use permitted": _STATEMENT.format("InC-EDU"),
    "in copyright - non-commercial use permitted": _STATEMENT.format("InC-NC"),
    "no copyright - united states": _STATEMENT.format("NoC-US"),
    "no copyright - non-commercial use only": _STATEMENT.format("NoC-NC"),
    "copyright not evaluated": _STATEMENT.format("CNE"),
    "copyright undetermined": _STATEMENT.format("UND"),
    "no known copyright": _STATEMENT.format("NKC"),
}
_TERMS = {
    "attribution": "by",
    "noncommercial": "nc",
    "non-commercial": "nc",
    "sharealike": "sa",
    "share-alike": "sa",
    "share alike": "sa",
    "noderivatives": "nd",
    "noderivs": "nd",
    "no derivatives": "nd",
}
_CODE = re.compile(r"(?:cc|creative commons)[ -](by(?:-nc)?(?:-sa|-nd)?)[ -](\d\.\d)")


def rights_uri(text: str | None) -> str | None:
    """Return the URI of a licence or rights statement; None where the text is no plain name.

    Args:
        text: Rights as delivered, in words or as an address.
    """
    plain = " ".join((text or "").replace("\N{EN DASH}", "-").lower().split()).strip(" .")
    if plain.startswith(("http://", "https://")):
        return _known_address((text or "").strip())
    return _KNOWN.get(plain) or _licence(plain)


def _known_address(address: str) -> str | None:
    """Write an address as these vocabularies define it: http, no www, no deed, a closing slash."""
    try:
        parts = urlsplit(address)
    except ValueError:  # brackets that are no IPv6 address
        return None
    host = (parts.hostname or "").removeprefix("www.")
    segments = [segment for segment in parts.path.split("/") if segment]
    if host not in _HOSTS or len(segments) < 3:
        return None
    if host == "rightsstatements.org":
        return f"http://{host}/vocab/{segments[1]}/{segments[2]}/"
    return f"http://{host}/{'/'.join(segments[:3]).lower()}/"


def _licence(plain: str) -> str | None:
    """Read ``CC BY-SA 4.0`` and its long form ``Creative Commons Attribution-ShareAlike 4.0``."""
    words = plain.removesuffix(" license").removesuffix(" licence")
    words = words.removesuffix(" international").removesuffix(" unported")
    for term, code in _TERMS.items():
        words = words.replace(term, code)
    found = _CODE.fullmatch(words)
    return _LICENCE.format(*found.groups()) if found else None
