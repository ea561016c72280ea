"""Wrappers that send messages."""

import logging

from multicorn import ForeignDataWrapper
from multicorn.utils import CRITICAL, DEBUG, ERROR, INFO, WARNING, MulticornException, log_to_postgres

LEVELS = {"debug": DEBUG, "info": INFO, "warning": WARNING, "error": ERROR, "critical": CRITICAL}


class Text:
    """Shown by its str()."""

    def __str__(self):
        return "an object's text"


MESSAGES = {
    "text": "a message",
    "object": Text(),
    "number": 7,
    "percent": "100 % of %s and %d %n",
    "nul": "a\0b",
    "lines": "one\ntwo",
    "wide": "äöü €",
    "empty": "",
    "exception": ValueError("the text of an exception"),
}


class Speaker(ForeignDataWrapper):
    """Says what its options name; then one row tells what became of it."""

    def __init__(self, options, columns):
        super().__init__(options, columns)
        self.options = options

    def say(self):
        extra = {name: self.options[name] for name in ("hint", "detail") if name in self.options}
        arguments = [MESSAGES[self.options.get("message", "text")]]
        if "level" in self.options:
            arguments.append(LEVELS[self.options["level"]])
        log_to_postgres(*arguments, **extra)

    def execute(self, quals, columns):
        try:
            self.say()
            yield ("said",)
        finally:
            log_to_postgres("finally")


class Catcher(Speaker):
    """An ERROR is an exception in Python first, and may be caught."""

    def execute(self, quals, columns):
        try:
            self.say()
        except MulticornException as error:
            yield (f"caught {type(error).__name__}: {error}",)


class Wrapped(Speaker):
    def execute(self, quals, columns):
        try:
            self.say()
        except MulticornException as error:
            raise KeyError("another") from error
        yield ()


class Loggers(ForeignDataWrapper):
    """Python's own logging: only log_to_postgres ends a statement."""

    def execute(self, quals, columns):
        logger = logging.getLogger("somebody.elses")
        logger.debug("not shown")
        logger.warning("a logger's %s", "warning")
        logger.error("a logger's error")
        print("printed")
        return [("done",)]


class Positions(ForeignDataWrapper):
    """All by position, and by the keywords' names."""

    def execute(self, quals, columns):
        log_to_postgres("by position", WARNING, "the hint", "the detail")
        log_to_postgres(message="by name", level=WARNING, detail="the detail", hint="the hint")
        log_to_postgres("a level between", 25)
        log_to_postgres("a level below", 5)
        return []
