"""What the tests of what is sent share."""

from __future__ import annotations

import functools

import wormhole as hole


def loud(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args) + "!"

    return wrapper


def run(function: hole.Remote, *args, **kwargs):
    """Execute what would be sent, as the server does."""
    names = dict.fromkeys(("query", "query_value", "execute", "cursor"))
    space: dict = {**names, "__name__": "sent"}
    exec(compile(function.source, "<sent>", "exec", dont_inherit=True), space)
    return space[function.name](*args, **kwargs)


def lines(function: hole.Remote) -> list[str]:
    return function.source.strip().split("\n")
