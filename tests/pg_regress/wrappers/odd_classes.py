"""Classes that look like wrappers and are none."""

from multicorn import ForeignDataWrapper


class NoExecute(ForeignDataWrapper):
    pass


class NoArguments(ForeignDataWrapper):
    def __init__(self):
        pass


class StartupCost(ForeignDataWrapper):
    _startup_cost = "cheap"


class NewReturnsText(ForeignDataWrapper):
    def __new__(cls, options, columns):
        return "a text"


class WrongParameters(ForeignDataWrapper):
    def execute(self):
        return []


class NotCallable(ForeignDataWrapper):
    execute = 42


class _Meta(type):
    def __getattribute__(cls, name):
        if not name.startswith("__"):
            raise PermissionError(name)
        return super().__getattribute__(name)


class Hidden(ForeignDataWrapper, metaclass=_Meta):
    """Its attributes cannot be looked at."""
