"""What a profile says about one column, as the document has it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lineal._profiles.counts import Counts
    from lineal._profiles.hashing import Hashes
    from lineal._profiles.histograms import Histogram
    from lineal._profiles.kll import Kll

FAMILIES = {
    **dict.fromkeys(("i64", "u64", "f64", "dec"), "number"),
    "bool": "bool",
    **dict.fromkeys(("utf8", "bin"), "text"),
    **dict.fromkeys(("ts", "ts_utc", "date", "time", "dur"), "time"),
    "null": "null",
    "other": "other",
}
ROLES = ("feature", "prediction", "label")
COUNTS = ("n", "nulls", "nan", "pos_inf", "neg_inf", "zeros")
SKETCHED = ("number", "bool", "time")  # families whose values are doubles


@dataclass(frozen=True, eq=False)
class ColumnProfile:
    """One column: counts, moments, and what it has of values, sketches and a histogram. Parts that it has not are None."""

    type: str
    role: str = "feature"
    n: int = 0
    nulls: int = 0
    nan: int = 0
    pos_inf: int = 0
    neg_inf: int = 0
    zeros: int = 0
    mean: float | None = None
    m2: float | None = None
    min: float | None = None
    max: float | None = None
    values: "Counts | None" = None
    hashes: "Counts | None" = None
    kll: "Kll | None" = None
    kmv: "Hashes | None" = None
    hist: "Histogram | None" = None

    @property
    def family(self) -> str:
        """number, bool, text, time, null or other."""
        return FAMILIES[self.type]

    @property
    def missing(self) -> int:
        """Rows without a value: nulls, and floats that are not numbers."""
        return self.nulls + self.nan

    @property
    def present(self) -> int:
        """Rows with a value, infinities included."""
        return self.n - self.missing

    @property
    def finite(self) -> int:
        """Rows whose value went into mean and m2."""
        return self.present - self.pos_inf - self.neg_inf

    @property
    def distinct(self) -> int | None:
        """How many distinct values there are: exact below 1,024, else to about 3 %."""
        if self.kmv is None:
            return None
        from lineal._profiles import kmv

        return kmv.distinct(self.kmv)
