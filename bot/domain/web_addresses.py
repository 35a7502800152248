"""Addresses of the web: what a page may link to."""

import re

# "<", ">" and quotes would end the attribute that holds it; a scheme like `javascript:` runs
ADDRESS = re.compile(r"https?://[^\s<>\"'/?#][^\s<>\"']*")
# what browsers leave out of an address before they read it, and what nobody sees in one
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):(?!\d)")


def is_web_address(written: object) -> bool:
    """Whether this is an address that begins with http:// or https://, names a place, and holds no
    blanks, quotes, angle brackets or signs that nobody sees."""
    return isinstance(written, str) and say_address_fault(written) is None


def say_address_fault(written: object) -> str | None:
    """What is wrong with an address, and what to write; None where a page may link to it."""
    if not isinstance(written, str) or not written.strip():
        return "the address is missing; write one that begins with https://"
    if UNSEEN.search(written):
        return "the address holds a sign that nobody sees; type it anew"
    scheme = SCHEME.match(written.lstrip())
    if scheme and scheme[1].lower() not in ("http", "https"):
        return (
            f"the address begins with “{scheme[1][:20]}:”, which opens no page; it must begin with "
            f"https://"
        )
    if not re.match(r"https?://", written):
        return "the address must begin with https://"
    if re.search(r"\s", written):
        return "the address holds a blank; take it out, or write %20 in its place"
    if re.search(r"[<>\"']", written):
        return "the address holds a quote or an angle bracket; write %22, %27, %3C or %3E"
    if not ADDRESS.fullmatch(written):
        return "the address names no site behind https://"
    return None
