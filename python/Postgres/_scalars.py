"""Numbers, strings, bytes, enums, UUIDs, networks and OIDs."""

from __future__ import annotations

from multicorn import _values
from Postgres._types import Type, Value, types

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ipaddress
    import uuid
    from collections.abc import Iterator
    from typing import Any


def base_class(value: Value) -> Any:
    """Give the class below all domains, which parts of a value have."""
    found: Type = type(value)
    while found.Base is not None:
        found = found.Base
    return found


class Boolean(Value):
    """A boolean; `bool(value)` is its truth."""

    __slots__ = ()

    def _plain(self) -> Any:
        return self._python()


class Number(Value):
    """numeric and floating-point numbers.

    `round`, `math.floor`, `math.ceil` and `math.trunc` are the server's
    functions; with digits the result is numeric, without them an int.
    """

    __slots__ = ()

    def __round__(self, digits: Any = None) -> Any:
        """Round as the server does: numeric away from zero, floats to even."""
        if digits is None:
            return int(_values.call("round", self))
        return _values.call("round", types.numeric(self), types.int4(digits))

    def __floor__(self) -> int:
        """Give the nearest integer that is not greater."""
        return int(_values.call("floor", self))

    def __ceil__(self) -> int:
        """Give the nearest integer that is not less."""
        return int(_values.call("ceil", self))

    def __trunc__(self) -> int:
        """Cut the fraction off."""
        return int(_values.call("trunc", self))

    def _plain(self) -> Any:
        return self._python()


class Integer(Value):
    """smallint, integer and bigint; usable as an index."""

    __slots__ = ()

    def __round__(self, digits: Any = None) -> Any:
        """Round to tens and hundreds with negative digits; an integer is round."""
        if digits is None:
            return int(self)
        return type(self)(round(int(self), int(digits)))

    def __floor__(self) -> int:
        """Give the number."""
        return int(self)

    __ceil__ = __floor__
    __trunc__ = __floor__

    def bit_length(self) -> int:
        """Give what `int.bit_length` gives."""
        return int(self).bit_length()

    def _plain(self) -> Any:
        return int(self)


class String(Value):
    """text, varchar, char(n), name and "char": `+`, slicing, `len`, iteration.

    Other methods of `str` (`upper`, `split`, …) work on the text and give str.
    """

    __slots__ = ()

    def __len__(self) -> int:
        """Count the characters."""
        return len(str(self))

    def __getitem__(self, key: int | slice) -> Any:
        """Give a character or a slice, of the same type."""
        if not isinstance(key, slice):
            key = int(key)
        return base_class(self)(str(self)[key])

    def __iter__(self) -> Iterator[Any]:
        """Give each character, of the same type."""
        made = base_class(self)
        return (made(character) for character in str(self))

    def __contains__(self, part: object) -> bool:
        """Tell whether the text is part of this one."""
        return str(part) in str(self)

    def __getattr__(self, name: str) -> Any:
        """Find the methods of `str`."""
        if not name.startswith("_") and hasattr(str, name):
            return getattr(str(self), name)
        message = f"{type(self).__name__!r} object has no attribute {name!r}"
        raise AttributeError(message, name=name, obj=self)

    def _plain(self) -> Any:
        return str(self)


class Bytes(Value):
    """bytea, which behaves like `bytes` and lends its memory to `memoryview`.

    Other methods of `bytes` (`hex`, `decode`, …) work on a copy.
    """

    __slots__ = ()

    def __bytes__(self) -> bytes:
        """Copy the bytes."""
        return self._python()

    def __len__(self) -> int:
        """Count the bytes."""
        return int(_values.call("octet_length", self))

    def __buffer__(self, flags: int, /) -> memoryview:
        """Lend the bytes; the types' own classes lend without a copy."""
        del flags
        return memoryview(bytes(self))

    def __getitem__(self, key: int | slice) -> Any:
        """Give a byte as an int, or a slice as bytea."""
        if isinstance(key, slice):
            return base_class(self)(bytes(self)[key])
        return bytes(self)[int(key)]

    def __iter__(self) -> Iterator[int]:
        """Give each byte as an int."""
        return iter(bytes(self))

    def __contains__(self, part: Any) -> bool:
        """Tell whether a byte or a sequence of bytes is part of this."""
        return part in bytes(self)

    def __getattr__(self, name: str) -> Any:
        """Find the methods of `bytes`."""
        if not name.startswith("_") and hasattr(bytes, name):
            return getattr(bytes(self), name)
        message = f"{type(self).__name__!r} object has no attribute {name!r}"
        raise AttributeError(message, name=name, obj=self)

    def _plain(self) -> Any:
        return bytes(self)


class Enum(Value):
    """A label of an enum type; labels compare in the order of the type."""

    __slots__ = ()

    @classmethod
    def labels(cls) -> list[str]:
        """List the labels in their order.

        A label that the running transaction has added is in the list only after
        the commit.
        """
        return [str(label) for label in _values.call("enum_range", cls)]

    def _plain(self) -> Any:
        return str(self)


class Uuid(Value):
    """A UUID, with the attributes of `uuid.UUID` (`bytes`, `hex`, `version`, …)."""

    __slots__ = ()

    def to_python(self) -> uuid.UUID:
        """Give the `uuid.UUID`."""
        return self._python()

    def __int__(self) -> int:
        """Give the number of 128 bits."""
        return int(self.to_python())

    def __bytes__(self) -> bytes:
        """Give the 16 bytes."""
        return self.to_python().bytes

    def __getattr__(self, name: str) -> Any:
        """Find the attributes of `uuid.UUID`."""
        if not name.startswith("_"):
            return getattr(self.to_python(), name)
        message = f"{type(self).__name__!r} object has no attribute {name!r}"
        raise AttributeError(message, name=name, obj=self)

    def _plain(self) -> Any:
        return self._python()


class Network(Value):
    """inet and cidr: a host's or a network's address."""

    __slots__ = ()

    @property
    def family(self) -> int:
        """4 or 6."""
        return int(_values.call("family", self))

    @property
    def masklen(self) -> int:
        """The bits of the network's part."""
        return int(_values.call("masklen", self))

    @property
    def host(self) -> Any:
        """The address without the length of the network's part, as text."""
        return _values.call("host", self)

    @property
    def netmask(self) -> Any:
        """The mask of the network's part, an inet."""
        return _values.call("netmask", self)

    @property
    def hostmask(self) -> Any:
        """The mask of the host's part, an inet."""
        return _values.call("hostmask", self)

    @property
    def broadcast(self) -> Any:
        """The network's broadcast address, an inet."""
        return _values.call("broadcast", self)

    @property
    def network(self) -> Any:
        """The network, a cidr."""
        return _values.call("network", self)

    def __contains__(self, other: Any) -> bool:
        """Tell whether an address or network is this one or inside it."""
        other = other if isinstance(other, Network) else types.inet(str(other))
        return bool(_values.operate("<<=", other, self))

    def to_python(
        self,
    ) -> (
        ipaddress.IPv4Address
        | ipaddress.IPv6Address
        | ipaddress.IPv4Interface
        | ipaddress.IPv6Interface
        | ipaddress.IPv4Network
        | ipaddress.IPv6Network
    ):
        """Give a network for a cidr, an address for a host, else an interface."""
        import ipaddress

        text = str(self)
        if base_class(self).typname == "cidr":
            return ipaddress.ip_network(text)
        if "/" in text:
            return ipaddress.ip_interface(text)
        return ipaddress.ip_address(text)

    def _plain(self) -> Any:
        return self.to_python()


class Oid(Value):
    """oid and the types that name what an OID stands for, such as regclass.

    `int()` is the OID; each of these types is made of a value of the others.
    """

    __slots__ = ()


class Xid(Value):
    """The number of a transaction."""

    __slots__ = ()

    @classmethod
    def current(cls) -> Any:
        """Give the running transaction's number; one is given to it if need be."""
        return cls(str(_values.transaction_id(False)))  # noqa: FBT003 - a native function

    @classmethod
    def current_sub(cls) -> Any:
        """Give the number of the innermost subtransaction, or the transaction's."""
        return cls(str(_values.transaction_id(True)))  # noqa: FBT003 - a native function


class Xid8(Value):
    """The number of a transaction with its epoch."""

    __slots__ = ()

    def __int__(self) -> int:
        """Give the number of 64 bits."""
        return int(str(self))

    @classmethod
    def current(cls) -> Any:
        """Give the running transaction's number; one is given to it if need be."""
        return cls(_values.call("pg_current_xact_id"))
