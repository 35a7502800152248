"""Addresses of the web: what a page may link to."""

import re

# "<", ">" and quotes would end the attribute that holds it; a scheme like `javascript:` runs
ADDRESS = re.compile(r"https?://[^\s<>\"'/?#][^\s<>\"']*")


def is_web_address(written: object) -> bool:
    """Whether this is an address that begins with http:// or https://, names a place, and holds no
    blanks, quotes or angle brackets."""
    return isinstance(written, str) and ADDRESS.fullmatch(written) is not None
