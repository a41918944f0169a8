"""What can be wrong with a filter or an order, told with the place where it is."""

from core.errors import Invalid


class InvalidFilter(Invalid):
    """A filter that cannot be understood. `position` counts characters from 1; None if it concerns the whole."""

    code = "invalid-filter"
    title = "Invalid filter"
    field = "filter"

    def __init__(self, detail: str, *, position: int | None = None) -> None:
        if position is not None:
            detail = f"At character {position} of the {self.field}: {detail}"
        super().__init__(detail, field=self.field, position=position)


class InvalidOrder(InvalidFilter):
    """An order that cannot be understood."""

    code = "invalid-order"
    title = "Invalid order"
    field = "order_by"
