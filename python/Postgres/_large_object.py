"""Large objects as files."""

from __future__ import annotations

import io

from Postgres._messages import error
from Postgres._server import native
from Postgres._session import _statement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final, Self

_WRITE: Final = 0x20000
_READ: Final = 0x40000
_MODES: Final = {
    "r": _READ,
    "w": _WRITE,
    "rw": _READ | _WRITE,
    "r+": _READ | _WRITE,
    "a": _READ | _WRITE,
}
_PIECE: Final = 8192


def _call(expression: str, *arguments: Any) -> Any:
    return _statement("SELECT pg_catalog." + expression).first(*arguments)


def _check_writable(what: str) -> None:
    if native().pl_read_only():
        text = f"{what} a large object is not allowed in a non-volatile function"
        raise error("0A000", text)


class LargeObject(io.RawIOBase):
    """A large object, opened as a binary file.

    `mode` is `r`, `w`, `rw` or `a` (at its end); `b` may be added. It is closed
    by the end of the transaction or of the subtransaction in which it was opened;
    using it then is an error of the database. Rights on the object are those of
    the role that the function runs as.

    The read and write methods are those of `io.RawIOBase`; `seek` knows the
    whences 0, 1 and 2.
    """

    _descriptor: int | None = None
    _is_temporary: bool = False

    def __init__(self, oid: int, mode: str = "r") -> None:
        super().__init__()
        flags = _MODES.get(mode.replace("b", ""))
        if flags is None:
            raise ValueError(f"mode must be r, w, rw or a, not {mode!r}")
        if flags & _WRITE:
            _check_writable("writing")
        self._oid = int(oid)
        self._mode = mode
        self._flags = flags
        self._era = native().pl_era()
        self._descriptor = int(_call("lo_open($1, $2)", self._oid, flags))
        if "a" in mode:
            self.seek(0, io.SEEK_END)

    @classmethod
    def create(cls, oid: int = 0, mode: str = "rw") -> Self:
        """Make a new large object and open it; an `oid` of 0 lets the server choose."""
        _check_writable("creating")
        return cls(int(_call("lo_create($1)", oid)), mode)

    @classmethod
    def tmp(cls) -> Self:
        """Make a new large object that is removed when it is closed."""
        made = cls.create()
        made._is_temporary = True
        return made

    def __repr__(self) -> str:
        state = "closed" if self.closed else self._mode
        return f"<Postgres.LargeObject {self._oid} {state}>"

    @property
    def oid(self) -> int:
        """The object's OID."""
        return self._oid

    @property
    def mode(self) -> str:
        """The mode it was opened in."""
        return self._mode

    def _open(self) -> int:
        if self._descriptor is None:
            raise ValueError("I/O operation on closed large object")
        return self._descriptor

    def readable(self) -> bool:
        """Tell whether it was opened for reading."""
        return bool(self._flags & _READ)

    def writable(self) -> bool:
        """Tell whether it was opened for writing."""
        return bool(self._flags & _WRITE)

    def seekable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next `size` bytes, or all; fewer only at the end."""
        descriptor = self._open()
        if not self.readable():
            raise io.UnsupportedOperation("not readable")
        if size is None or size < 0:
            pieces: list[bytes] = []
            while piece := self._piece(descriptor, _PIECE * 128):
                pieces.append(piece)
            return b"".join(pieces)
        return self._piece(descriptor, size)

    def _piece(self, descriptor: int, size: int) -> bytes:
        return bytes(_call("loread($1, $2)", descriptor, size))

    def readall(self) -> bytes:
        """Return everything from here to the end."""
        return self.read()

    def readinto(self, buffer: Any, /) -> int:
        """Fill the buffer; return how many bytes it got."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def readline(self, size: int | None = -1, /) -> bytes:
        """Return the bytes up to and with the next newline, at most `size`."""
        limit = None if size is None or size < 0 else size
        pieces: list[bytes] = []
        length = 0
        while limit is None or length < limit:
            want = _PIECE if limit is None else min(_PIECE, limit - length)
            piece = self.read(want)
            end = piece.find(b"\n") + 1
            if end:
                self.seek(end - len(piece), io.SEEK_CUR)
                piece = piece[:end]
            pieces.append(piece)
            length += len(piece)
            if end or len(piece) < want:
                break
        return b"".join(pieces)

    def write(self, data: Any, /) -> int:
        """Write the bytes at the place; return how many."""
        descriptor = self._open()
        if not self.writable():
            raise io.UnsupportedOperation("not writable")
        _check_writable("writing")
        return int(_call("lowrite($1, $2)", descriptor, bytes(data)))

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to another place and return it.

        `whence` 0 counts from the start, 1 from here, 2 from the end.
        """
        if whence not in (io.SEEK_SET, io.SEEK_CUR, io.SEEK_END):
            raise ValueError(f"whence must be 0, 1 or 2, not {whence}")
        return int(_call("lo_lseek64($1, $2, $3)", self._open(), offset, whence))

    def tell(self) -> int:
        """Return the place."""
        return int(_call("lo_tell64($1)", self._open()))

    def truncate(self, size: int | None = None, /) -> int:
        """Cut the object, or lengthen it by zeros, to `size` or to the place."""
        _check_writable("writing")
        length = self.tell() if size is None else size
        _call("lo_truncate64($1, $2)", self._open(), length)
        return length

    def unlink(self) -> None:
        """Close the object and remove it from the database."""
        _check_writable("removing")
        self._is_temporary = False
        self.close()
        _call("lo_unlink($1)", self._oid)

    def close(self) -> None:
        """Close it. Repeatable; where the database cannot be reached, it will."""
        descriptor, self._descriptor = self._descriptor, None
        # After a rollback the number may be that of another object.
        if (
            descriptor is not None
            and native().pl_is_ready()
            and native().pl_era() == self._era
        ):
            _call("lo_close($1)", descriptor)
            if self._is_temporary:
                self._is_temporary = False
                _call("lo_unlink($1)", self._oid)
        super().close()
