"""Names by which wrappers of the Python 2 years spelt the text types."""

unicode_ = str
basestring_ = str
bytes_ = bytes

__all__ = ["basestring_", "bytes_", "unicode_"]
