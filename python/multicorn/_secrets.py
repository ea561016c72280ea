"""Removing passwords from text that a user or a log may see."""

import re

_MASK = "***"

# ://user:password@. The password may itself hold '@', ':' and '/' when it was
# written unescaped, so everything up to the last '@' before white space or a
# quote goes: rather too much than a part of a password. The lengths are bound
# because the text may be a megabyte that somebody chose.
_URL = re.compile(r"""(?P<head>://[^\s:/?#@'"]{0,256}):[^\s'"]{0,1024}@""")

# password=..., 'passwd': '...', password: ...; "token:" alone is a word of many
# parsers' messages.
_ASSIGNMENT = re.compile(
    r"""(?P<head>
            \b\w{0,64}(?:password|passwd|pwd|secret|token|api_?key|access_?key)
            (?: ["']\s*:\s* | \s*=\s* )
          | \b(?:password|passwd|pwd)\s*:\s+
        )
        (?: "[^"]*" | '[^']*' | [^\s,;&'")\]}]+ )""",
    re.IGNORECASE | re.VERBOSE,
)


def mask(text: str) -> str:
    """Return the text with the passwords in URLs and assignments as `***`."""
    text = _URL.sub(rf"\g<head>:{_MASK}@", text)
    return _ASSIGNMENT.sub(rf"\g<head>{_MASK}", text)


def mask_values(text: str, *secrets: str | None) -> str:
    """Return `mask(text)` with each of the known secrets removed too."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, _MASK)
    return mask(text)
