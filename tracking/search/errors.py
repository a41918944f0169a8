"""What can be wrong with a filter or an order, told with the place where it is; or with how much it asks."""

from core.errors import Invalid

EXCERPT = 70  # characters: a line in a terminal


class InvalidFilter(Invalid):
    """A filter that cannot be understood. `position` counts characters from 1; None if it concerns the whole."""

    code = "invalid-filter"
    title = "Invalid filter"
    field = "filter"

    def __init__(self, detail: str, *, position: int | None = None) -> None:
        if position is not None:
            detail = f"At character {position} of the {self.field}: {detail}"
        self.position = position
        super().__init__(detail, field=self.field, position=position)

    def show_in(self, text: str) -> None:
        """Have the problem carry the place in `text`: two lines, the second with a caret under it."""
        if self.position is not None:
            self.extra = {**self.extra, "excerpt": excerpt(text, self.position)}


def excerpt(text: str, position: int) -> str:
    """What stands around character `position` (from 1), on one line, and a caret under it."""
    at = position - 1
    begin, end = max(0, at - EXCERPT // 2), min(len(text), at + EXCERPT // 2)
    before, after = "… " if begin else "", " …" if end < len(text) else ""
    line = "".join(character if character.isprintable() else " " for character in text[begin:end])
    return f"{before}{line}{after}\n{' ' * (len(before) + at - begin)}^"


class InvalidOrder(InvalidFilter):
    """An order that cannot be understood."""

    code = "invalid-order"
    title = "Invalid order"
    field = "order_by"


class SearchTooSlow(Invalid):
    """The search was stopped at its limit of time. Asking again without a change would only take as long again."""

    code = "search-too-slow"
    title = "Search too slow"

    def __init__(self, limit_s: float) -> None:
        super().__init__(
            f"The search was stopped after {limit_s:g} s. Ask for less: name experiments, add a comparison with = or < "
            "of a param, tag or metric that few runs pass, or do without LIKE and NOT on long texts.",
            limit_s=limit_s,
        )


class SearchTooWide(Invalid):
    """Something asked for has to be read run by run, of more runs than are read in one search."""

    code = "search-too-wide"
    title = "Search too wide"
