"""The list of public names is true: each can be had, says what it is, and belongs to the package."""

import importlib
import inspect

import lineal
import pytest


def test_the_list_is_sorted_and_without_repeats():
    assert list(lineal.__all__) == sorted(set(lineal.__all__))


@pytest.mark.parametrize("name", lineal.__all__)
def test_each_public_name_exists_and_is_documented(name):
    found = getattr(lineal, name)

    assert inspect.getdoc(found)
    assert name in dir(lineal)


def test_every_error_is_public():
    errors = importlib.import_module("lineal._errors")
    found = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, Exception) and not name.startswith("_")
    }

    assert found <= set(lineal.__all__)
    assert all(issubclass(getattr(lineal, name), lineal.LinealError) for name in found)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'start_ruin'"):
        _ = lineal.start_ruin


@pytest.mark.parametrize("owner", [lineal.Run, lineal.Client, lineal.Monitor])
def test_every_public_method_is_documented(owner):
    undocumented = [
        name
        for name, value in vars(owner).items()
        if callable(value) and not name.startswith("_") and not value.__doc__
    ]

    assert undocumented == []


def test_functions_of_the_module_are_methods_of_the_client():
    names = [
        "start_run",
        "register",
        "promote",
        "rollback",
        "approve",
        "refuse",
        "trace",
        "impact",
        "history",
        "charts",
    ]
    for name in names:
        function = inspect.signature(getattr(lineal, name)).parameters
        method = list(inspect.signature(getattr(lineal.Client, name)).parameters.values())[1:]
        assert [str(parameter) for parameter in method] == [str(function[parameter.name]) for parameter in method], name
