"""FilesystemFdw: the reader, with writes that wait for the commit."""

from collections.abc import Mapping
from typing import Any, Final

from multicorn import _rights
from multicorn._columns import Columns
from multicorn._exceptions import MulticornException
from multicorn.fsfdw._changes import Changes
from multicorn.fsfdw._paths import Paths
from multicorn.fsfdw._reader import FileReader

_DEFAULT_MODE: Final = "600"
_ALL_BITS: Final = 0o777


class FilesystemFdw(FileReader):
    """Files whose paths follow a pattern: one row a file.

    Options: `root_dir`; `pattern`, a path below it with fields
    (`{artist}/{album}/{track:02d} - {title}.ogg`), each the name of a column;
    `content_column` and `filename_column`, names of the columns for the file's
    content and its path below the root; `encoding` of contents in columns that
    are not bytea (default UTF-8); `file_mode` of written files, octal (default
    600).

    Conditions on fields and on the file name decide which directories are
    listed and which files are opened; a content that the query does not need
    is not read. Writing needs `filename_column`, which identifies a file.
    """

    _options = (*FileReader._options, "file_mode")

    def __init__(self, fdw_options: Mapping[str, str], fdw_columns: Columns) -> None:
        super().__init__(fdw_options, fdw_columns)
        mode = _file_mode(fdw_options.get("file_mode", _DEFAULT_MODE))
        self._changes = Changes(self._root, mode)
        self._paths = Paths(self._pattern, self._filename)
        self._may_write = _rights.current().write_files

    def _overlay(self) -> Mapping[str, bytes | None]:
        return self._changes.contents

    @property
    def rowid_column(self) -> str:
        """The column of file names."""
        if self._filename is not None:
            return self._filename
        raise MulticornException(
            "the files of this table cannot be changed: no column identifies them",
            hint='Add a column for the file name and set the option "filename_column".',
        )

    def insert(self, values: dict[str, Any]) -> dict[str, Any]:
        """Make a file; it must not exist."""
        self._check_right()
        path = self._paths.of(values)
        self._make(path, self._encoded(values))
        return self._stored(path, values)

    def update(self, rowid: Any, newvalues: dict[str, Any]) -> dict[str, Any]:
        """Change the content, and move the file if its fields change."""
        self._check_right()
        old = str(rowid)
        path = self._paths.moved(old, newvalues)
        content = self._current(old, newvalues)
        if path == old:
            self._changes.put(path, content)
        else:
            self._make(path, content)
            self._changes.put(old, None)
        return self._stored(path, newvalues)

    def delete(self, rowid: Any) -> None:
        """Remove the file."""
        self._check_right()
        self._changes.put(str(rowid), None)

    def _check_right(self) -> None:
        if not self._may_write:
            raise _rights.refusal(
                "FilesystemFdw writes files of the server, which the owner of the"
                " table or of its foreign server may not",
                hint="Grant both the role pg_write_server_files.",
            )

    def _make(self, path: str, content: bytes) -> None:
        self._changes.lock()
        if self._changes.exists(path):
            raise MulticornException(f"the file {path!r} exists already")
        self._changes.put(path, content)

    def _current(self, path: str, newvalues: Mapping[str, Any]) -> bytes:
        """Return the content after an UPDATE."""
        self._changes.lock()
        data = self._read(path)
        if data is None:
            # Since the scan: the lock was taken after it.
            raise MulticornException(f"the file {path!r} does not exist any more")
        if self._content is not None and self._content in newvalues:
            return self._encoded(newvalues)
        return data

    def _encoded(self, values: Mapping[str, Any]) -> bytes:
        content = None if self._content is None else values.get(self._content)
        if content is None:
            return b""
        if isinstance(content, bytes):
            return content
        return str(content).encode(self._encoding)

    def _stored(self, path: str, values: Mapping[str, Any]) -> dict[str, Any]:
        stored = {**values, **(self._pattern.parse(path) or {})}
        if self._filename is not None:
            stored[self._filename] = path
        return {name: value for name, value in stored.items() if name in self._columns}

    # Transactions

    def begin(self, serializable: int) -> None:
        """Begin with no changes."""
        del serializable
        self._changes.finish()

    def pre_commit(self) -> None:
        """Write the files, while the local transaction can still fail."""
        self._changes.apply()

    def commit(self) -> None:
        """Let the next writer in."""
        self._changes.finish()

    def rollback(self) -> None:
        """Forget the changes and let the next writer in."""
        self._changes.finish()

    def sub_begin(self, level: int) -> None:
        """Remember the state."""
        self._changes.save(level)

    def sub_commit(self, level: int) -> None:
        """Keep the savepoint's changes."""
        self._changes.release(level)

    def sub_rollback(self, level: int) -> None:
        """Return to the savepoint's state."""
        self._changes.restore(level)


def _file_mode(text: str) -> int:
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if not 0 < mode <= _ALL_BITS:
        raise MulticornException(
            f'the option "file_mode" must be an octal number as 640, not {text!r}'
        )
    return mode
