"""Files as rows: one table for all files whose paths follow a pattern."""

from multicorn.fsfdw._rst import ReStructuredTextFdw
from multicorn.fsfdw._wrapper import FilesystemFdw

__all__ = ["FilesystemFdw", "ReStructuredTextFdw"]
