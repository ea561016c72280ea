"""Write a Python function, run it inside PostgreSQL.

    import psycopg
    from wormhole import query, remote, set_connection

    set_connection(psycopg.connect("dbname=shop", autocommit=True))

    @remote
    def count_users():
        return query("SELECT count(*) AS count FROM users")[0]["count"]

    count_users()

The server imports modules of this package, too. So nothing of the client is loaded before it is asked for:
with it come asyncio and sockets, which have no business in a server's process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wormhole._client import *  # noqa: F403 - every public name; it has the list


def __getattr__(name: str) -> Any:
    """Load the client when the first of its names, or their list, is asked for."""
    # The import system asks for submodules, which all begin with an underscore but those of the client.
    if not name.startswith("_") or name == "__all__":
        from wormhole import _client

        if name == "__all__" or name in _client.__all__:
            value: Any = getattr(_client, name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    from wormhole import _client

    return sorted({*globals(), *_client.__all__})


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext wormhole` in IPython and notebooks, for cells that begin with `%%wormhole`."""
    from wormhole import _magic

    _magic.load(shell)
