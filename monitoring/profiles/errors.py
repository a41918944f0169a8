"""What can be wrong with a profile."""


class InvalidProfile(ValueError):
    """Not a profile that `lineal-profile/1` allows; the message names the place and what was expected there."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}.")
        self.place = place


class IncompatibleProfiles(ValueError):
    """Two profiles, or a profile and a key, that do not belong together."""


class InvalidSketch(ValueError):
    """Not the bytes of a KLL sketch of doubles."""


def require(holds: bool, place: str, expected: str) -> None:
    """Refuse the profile at `place` unless `holds`; `expected` finishes the sentence "expected …".

    Raises:
        InvalidProfile: it does not.
    """
    if not holds:
        raise InvalidProfile(place, f"expected {expected}")
