"""Writes to files, kept back until the transaction commits.

Changes live in memory until `pre_commit`, which writes all new contents to
temporary files first, so that a full disk or a missing right ends the local
transaction with nothing changed; only then files are renamed and removed. A
crash between two renames leaves some of them done: a file system has no
transactions of more than one file.

The first change takes a lock on the root directory, held to the end of the
transaction: one transaction at a time writes below a root. Waiting for it
ends on a cancel or a timeout.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping

from multicorn._exceptions import MulticornException

#: Content of a file, or None for one that shall not exist.
Content = bytes | None


class Changes:
    """The changes that one transaction makes below one directory."""

    def __init__(self, root: str, mode: int) -> None:
        self._root = root
        self._mode = mode
        self._contents: dict[str, Content] = {}
        self._savepoints: dict[int, dict[str, Content]] = {}
        self._lock: int | None = None

    @property
    def contents(self) -> Mapping[str, Content]:
        """The changed files by their path below the root."""
        return self._contents

    def exists(self, path: str) -> bool:
        """Tell whether the file exists, as this transaction sees it."""
        if path in self._contents:
            return self._contents[path] is not None
        return os.path.isfile(os.path.join(self._root, path))

    def put(self, path: str, content: Content) -> None:
        """Give the file a content, or remove it with None."""
        self.lock()
        self._contents[path] = content

    def lock(self) -> None:
        """Wait until no other transaction writes below the root."""
        if self._lock is not None:
            return
        try:
            descriptor = os.open(
                self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
            )
        except OSError as error:
            raise MulticornException(
                f"could not open the directory {self._root!r}: {error.strerror}"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except BaseException:
            # A cancel while waiting.
            os.close(descriptor)
            raise
        self._lock = descriptor

    # Transaction

    def save(self, level: int) -> None:
        """Remember the state for a savepoint."""
        self._savepoints[level] = dict(self._contents)

    def release(self, level: int) -> None:
        """Forget a savepoint, keeping its changes."""
        self._savepoints.pop(level, None)

    def restore(self, level: int) -> None:
        """Return to the state of the savepoint."""
        state = self._savepoints.pop(level, None)
        if state is not None:
            self._contents = state

    def apply(self) -> None:
        """Carry the changes out; without any, do nothing."""
        prepared: list[tuple[str, str]] = []
        try:
            for path, content in self._contents.items():
                if content is not None:
                    target = os.path.join(self._root, path)
                    prepared.append((self._prepare(target, content), target))
            while prepared:
                os.replace(*prepared[-1])
                prepared.pop()
            for path in self._removed():
                self._remove(path)
            self._make_durable()
        except OSError as error:
            raise MulticornException(
                f"could not write below {self._root!r}: {error.strerror}"
            ) from error
        finally:
            for temporary, _ in prepared:
                os.unlink(temporary)
        self._contents = {}

    def _prepare(self, target: str, content: bytes) -> str:
        """Write the content beside its place; return the temporary's path."""
        directory = os.path.dirname(target)
        os.makedirs(directory, exist_ok=True)
        # A name that begins with a dot and ends like this matches no sensible
        # pattern, should a scan see it.
        descriptor, temporary = tempfile.mkstemp(".multicorn-new", ".", directory)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fchmod(descriptor, self._mode)
                os.fsync(descriptor)
        except BaseException:
            os.unlink(temporary)
            raise
        return temporary

    def _removed(self) -> Iterator[str]:
        return (path for path, content in self._contents.items() if content is None)

    def _remove(self, path: str) -> None:
        try:
            os.unlink(os.path.join(self._root, path))
        except FileNotFoundError:
            # Inserted and deleted by the same transaction, or gone by now.
            return

    def _make_durable(self) -> None:
        """Let the new names reach the disk, as the local commit will."""
        for directory in {os.path.dirname(path) for path in self._contents}:
            try:
                descriptor = os.open(
                    os.path.join(self._root, directory), os.O_RDONLY | os.O_DIRECTORY
                )
            except FileNotFoundError:
                continue
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def finish(self) -> None:
        """Forget everything and let the next writer in."""
        self._contents = {}
        self._savepoints.clear()
        descriptor, self._lock = self._lock, None
        if descriptor is not None:
            os.close(descriptor)
