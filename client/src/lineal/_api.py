"""The functions of the module `lineal`: each does what the method of that name does on a `Client` of the default server and project."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from lineal._client import Client

P = ParamSpec("P")
R = TypeVar("R")


def _of_default(method: Callable[Concatenate[Client, P], R]) -> Callable[P, R]:
    """The method as a function. The server is looked up at each call, so that a changed environment counts."""
    import functools

    @functools.wraps(method)
    def function(*arguments: P.args, **named: P.kwargs) -> R:
        with Client() as client:
            return method(client, *arguments, **named)

    function.__module__, function.__qualname__ = "lineal", method.__name__
    return function


approve = _of_default(Client.approve)
charts = _of_default(Client.charts)
get_run = _of_default(Client.get_run)
history = _of_default(Client.history)
impact = _of_default(Client.impact)
promote = _of_default(Client.promote)
refuse = _of_default(Client.refuse)
register = _of_default(Client.register)
report_deployment = _of_default(Client.report_deployment)
rollback = _of_default(Client.rollback)
search_runs = _of_default(Client.search_runs)
start_run = _of_default(Client.start_run)
trace = _of_default(Client.trace)
