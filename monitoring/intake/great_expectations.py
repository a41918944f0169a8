"""Great Expectations: a validation result or a checkpoint's, as 0.18 and 1.x write them.

A validation result is what `to_json_dict()` gives (`results`, with `meta`) or, since 1.0, `describe()` (`expectations`,
without version and time). A checkpoint's has several: under `run_results` by their identifiers in 0.18, as a list
`validation_results` in 1.x.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitoring.intake.place import Place, UnreadableVerdict
from monitoring.intake.verdict import NOTHING_CHECKED, Failure, Verdict, summarise, word_for

KIND = "great_expectations"
COLUMN_KEYS = ("column", "column_A", "column_B")
COLUMN_LIST_KEYS = ("column_list", "column_set")


@dataclass(frozen=True, slots=True)
class _Validation:
    """One suite on one batch. `errors` counts the failures whose expectation raised an exception."""

    suite: str
    version: str
    checked: int
    failures: Sequence[Failure]
    errors: int
    unlisted: bool  # it failed, and does not say by which expectation
    observed_at: datetime | None


def looks_like(whole: Place) -> bool:
    if whole.has("run_results", dict) or whole.has("validation_results", list):
        return True
    return whole.has("success", bool) and (whole.has("results", list) or whole.has("expectations", list))


def read(whole: Place) -> Verdict:
    validations = [_validation(place) for place in _validation_places(whole)]
    failures = [failure for validation in validations for failure in validation.failures]
    errors = sum(validation.errors for validation in validations)
    unlisted = [validation.suite for validation in validations if validation.unlisted]
    checked = sum(validation.checked for validation in validations)
    notes = [f"The suite '{suite}' failed without naming an expectation." for suite in unlisted]
    notes += [f"The suite '{each.suite}': {NOTHING_CHECKED}" for each in validations if not each.checked]
    _refuse_contradiction(whole, failed=bool(failures or unlisted))
    word = word_for(checked=checked, failed=len(failures) - errors + len(unlisted), errors=errors)
    if word == "pass" and not all(validation.checked for validation in validations):
        word = "error"
    times = [validation.observed_at for validation in validations if validation.observed_at is not None]
    return Verdict(
        name=_name(whole, validations),
        kind=KIND,
        verdict=word,
        tool=KIND,
        tool_version=next((each.version for each in validations if each.version), ""),
        summary=summarise(checked=checked, failures=failures, notes=notes),
        observed_at=max(times, default=None),
    )


def _validation_places(whole: Place) -> list[Place]:
    if (runs := whole.find("run_results")) is not None:
        return [run.find("validation_result") or run for _, run in runs.fields()]
    if (results := whole.find("validation_results")) is not None:
        return results.items()
    return [whole]


def _refuse_contradiction(whole: Place, *, failed: bool) -> None:
    if whole["success"].boolean() and failed:
        raise UnreadableVerdict("success", "Says true, and some of what it stands on says false.")


def _name(whole: Place, validations: Sequence[_Validation]) -> str:
    config = whole.find("checkpoint_config")
    named = config.find("name") if config is not None else None
    suites = list(dict.fromkeys(validation.suite for validation in validations if validation.suite))
    if named is not None:
        return named.text()
    return suites[0] if len(suites) == 1 else KIND


def _validation(place: Place) -> _Validation:
    results = (place.find("results") or place["expectations"]).items()
    failed = [result for result in results if not result["success"].boolean()]
    success = place["success"].boolean()
    if success and failed:
        raise UnreadableVerdict(f"{failed[0].path}.success", "Says false, and the whole says true.")
    meta = place.find("meta") or Place({}, f"{place.path}.meta")
    return _Validation(
        suite=_text(place, "suite_name") or _text(meta, "expectation_suite_name"),
        version=_text(meta, "great_expectations_version", longest=64),
        checked=_checked(place, len(results)),
        failures=[_failure(result) for result in failed],
        errors=sum(_raised(result) for result in failed),
        unlisted=not success and not failed,
        observed_at=_observed_at(meta),
    )


def _text(place: Place, key: str, longest: int = 200) -> str:
    found = place.find(key)
    return found.text(longest) if found is not None else ""


def _checked(place: Place, listed: int) -> int:
    """What the statistics say: a result may list its failures alone."""
    statistics = place.find("statistics")
    evaluated = statistics.find("evaluated_expectations") if statistics is not None else None
    return max(listed, evaluated.count()) if evaluated is not None else listed


def _failure(result: Place) -> Failure:
    config = result.find("expectation_config") or result
    check = config.find("type") or config["expectation_type"]
    kwargs = config.find("kwargs")
    return Failure(check=check.text(), columns=_columns(kwargs) if kwargs is not None else (), detail=_detail(result))


def _columns(kwargs: Place) -> list[str]:
    single = [kwargs.find(key) for key in COLUMN_KEYS]
    lists = [kwargs.find(key) for key in COLUMN_LIST_KEYS if kwargs.has(key, list)]
    places = [place for place in single if place is not None]
    places += [item for each in lists if each is not None for item in each.items()]
    return [place.text() for place in places]


def _detail(result: Place) -> str:
    """The exception, the share of unexpected values, or the number observed; never values of rows."""
    if message := _exception_message(result):
        return message
    numbers = result.find("result")
    if numbers is None:
        return ""
    if (percent := numbers.find("unexpected_percent")) is not None:
        return f"{percent.number():.3g} % of the values were not as expected."
    if numbers.has("observed_value", int) or numbers.has("observed_value", float):
        return f"Observed {numbers['observed_value'].number():.6g}."
    return ""


def _exceptions(result: Place) -> list[Place]:
    """One exception's fields, or several by the metric that raised each."""
    info = result.find("exception_info")
    if info is None:
        return []
    if info.has("raised_exception", bool):
        return [info]
    return [each for _, each in info.fields() if isinstance(each.value, dict)]


def _raised(result: Place) -> bool:
    return any(
        each.has("raised_exception", bool) and each["raised_exception"].boolean() for each in _exceptions(result)
    )


def _exception_message(result: Place) -> str:
    messages = [_text(each, "exception_message", longest=300) for each in _exceptions(result)]
    return next((message for message in messages if message), "")


def _observed_at(meta: Place) -> datetime | None:
    if (time := meta.find("validation_time")) is not None:
        return time.moment()
    run = meta.find("run_id")
    time = run.find("run_time") if run is not None else None
    return time.moment() if time is not None else None
