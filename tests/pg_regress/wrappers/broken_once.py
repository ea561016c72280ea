"""Fails at its first import in a session."""

import sys

from multicorn import ForeignDataWrapper

if not hasattr(sys, "_broken_once"):
    sys._broken_once = True
    raise ConnectionError("not yet")


class Class(ForeignDataWrapper):
    def execute(self, quals, columns):
        raise LookupError("this time it was imported")
