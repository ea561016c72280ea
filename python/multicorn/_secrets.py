"""Removing passwords from text that a user or a log may see."""

_MASK = "***"
# What text must contain for a pattern to match: most has none of it, and `re`
# then need not even be imported.
_SIGNS = ("://", "pass", "pwd", "secret", "token", "key")


def mask(text: str) -> str:
    """Return the text with the passwords in URLs and assignments as `***`."""
    folded = text.lower()
    if not any(sign in folded for sign in _SIGNS):
        return text
    from multicorn._secret_patterns import ASSIGNMENT, URL

    text = URL.sub(rf"\g<head>:{_MASK}@", text)
    return ASSIGNMENT.sub(rf"\g<head>{_MASK}", text)


def mask_values(text: str, *secrets: str | None) -> str:
    """Return `mask(text)` with each of the known secrets removed too."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, _MASK)
    return mask(text)
