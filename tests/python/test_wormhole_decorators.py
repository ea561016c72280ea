"""Functions that are wrapped or bound: which decorators are sent, stay, are refused."""

from __future__ import annotations

import copy
import pickle

import pytest

import wormhole as hole
from wormhole import CaptureError, RemoteError, remote, transactional

from .wormhole_kit import lines, loud, run


def helper(x):
    return str(x)


reading = remote(read_only=True)
shouted = loud(helper)


def project_remote(function) -> hole.Remote:
    """Do what a decorator of the project does."""
    return hole.remote(chunk=7)(function)


@loud
def shouting(x):
    return str(x)


@remote
def of_module():
    pass


class Job:
    @remote
    def method(self, x):
        return x

    @staticmethod
    @remote
    def above(x):
        return x

    @remote
    @staticmethod
    def below(x):
        return x

    def __call__(self):
        return self.above, self.below

    given = remote(source="def given(x): return x")


def test_decorators_that_make_functions_remote_stay_here() -> None:
    @reading
    def f(x):
        return x

    @project_remote
    def g(x):
        return x

    assert lines(f) == ["def f(x):", "    return x"]
    assert lines(g) == ["def g(x):", "    return x"]
    assert (f._known.is_read_only, g._chunk) == (True, 7)


def test_what_wraps_a_function_is_not_lost() -> None:
    """A decorator that is in no text would be."""

    def f():
        return shouted(1)

    def by_call():
        return 1

    def wrong_order():
        return 1

    for function in (
        remote(f),
        remote(loud(by_call)),
        remote(transactional(wrong_order)),
    ):
        with pytest.raises(
            CaptureError, match="is wrapped by what is not sent with it"
        ):
            _ = function.source

    @transactional
    @remote
    def inner():
        return 1

    @remote
    def outer():
        return shouting(inner())

    assert "@loud" in lines(outer)
    assert run(outer) == "1!"


def test_methods_are_bound_as_those_of_functions() -> None:
    job = Job()
    assert job() == (Job.above, Job.below)
    with pytest.raises(TypeError, match=r"argument 1 is of type \S*Job, which cannot"):
        job.method(1)
    assert job.given is Job.given
    assert lines(Job.above) == ["def above(x):", "    return x"]
    assert lines(Job.below) == ["@staticmethod", "def below(x):", "    return x"]


def test_a_pickle_is_a_reference_as_that_of_a_function() -> None:
    assert pickle.loads(pickle.dumps(of_module)) is of_module
    assert copy.deepcopy({"f": of_module})["f"] is of_module

    @remote
    def local():
        pass

    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(local)


def test_a_wrapper_without_annotations_may_be_made_remote() -> None:
    class Wrapper:
        def __init__(self, function):
            self.__wrapped__ = function

        def __call__(self):
            pass

    @remote
    @Wrapper
    def f(x: int):
        return x

    assert f.__annotations__ == {"x": "int"}


def test_what_is_for_the_client_is_refused() -> None:
    @remote
    def with_attribute():
        with hole.transaction():
            pass

    @remote
    def with_error():
        return RemoteError("x")

    with pytest.raises(CaptureError, match="uses transaction, which is for the client"):
        _ = with_attribute.source
    with pytest.raises(CaptureError, match="uses RemoteError, which is for the client"):
        _ = with_error.source
