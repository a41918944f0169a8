"""Subtree hashes of the log, stored in tiles of 256 as the log grows, so that no proof reads the whole log (C2SP tlog-tiles).

Tile (level, index) holds the roots of 256 neighbouring subtrees of 256**level leaves each. Only complete tiles are
stored; the right edge is read from the leaves, or from the roots of the tiles below.
"""

from collections.abc import Iterable
from functools import lru_cache

from audit import merkle
from audit.errors import LedgerBroken
from audit.models import AuditLeaf, AuditTile

WIDTH = 256
HEIGHT = 8  # tree levels in a tile: 2**8 == WIDTH
CACHED_TILES = 64  # 8 KiB each
CACHED_NODES = 16_384


def store_completed(old_size: int, new_size: int) -> None:
    """Write the tiles that became complete when the log grew. Costs two queries per tile, most often none."""
    level, old, new = 0, old_size // WIDTH, new_size // WIDTH
    while new:
        for index in range(old, new):
            hashes = _edge_hashes(level, index)
            if len(hashes) != WIDTH:
                raise LedgerBroken(f"Tile {level}/{index} of the log has {len(hashes)} hashes instead of {WIDTH}.")
            AuditTile.objects.create(level=level, index=index, hashes=b"".join(hashes), root=merkle.root(hashes))
        level, old, new = level + 1, old // WIDTH, new // WIDTH


def index_path(number: int) -> str:
    """A tile's number as it stands in addresses: `x001/x234/067` for 1,234,067."""
    groups = []
    while True:
        number, group = divmod(number, 1_000)
        groups.append(f"{group:03d}")
        if not number:
            return "/".join([*(f"x{each}" for each in reversed(groups[1:])), groups[0]])


def hashes_of(level: int, index: int) -> list[bytes]:
    """The hashes of a tile, complete or as far as the log has grown; one query, two at the right edge."""
    stored = AuditTile.objects.filter(level=level, index=index).values_list("hashes", flat=True).first()
    if stored is None:
        return _edge_hashes(level, index)
    joined = bytes(stored)
    return [joined[at : at + merkle.HASH_SIZE] for at in range(0, len(joined), merkle.HASH_SIZE)]


def _edge_hashes(level: int, index: int) -> list[bytes]:
    first, last = index * WIDTH, index * WIDTH + WIDTH - 1
    rows: Iterable[bytes | memoryview]
    if level == 0:
        rows = AuditLeaf.objects.filter(seq__range=(first, last)).order_by("seq").values_list("leaf_hash", flat=True)
    else:
        below = AuditTile.objects.filter(level=level - 1, index__range=(first, last))
        rows = below.order_by("index").values_list("root", flat=True)
    return [bytes(each) for each in rows]


class TileReader:
    """Proofs from tiles. Keeps what it read, so one reader serves the many proofs of an export cheaply.

    Only for trees that were the log's when the reader was made, or smaller: it may remember a tile that grew since.
    """

    def __init__(self) -> None:
        self._hashes = lru_cache(maxsize=CACHED_TILES)(hashes_of)
        self._node = lru_cache(maxsize=CACHED_NODES)(self._read_node)

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """Raises ValueError unless there is such a leaf, LedgerBroken if hashes are missing."""
        return merkle.inclusion_proof_from(self._node, index, size)

    def consistency_proof(self, old_size: int, new_size: int) -> list[bytes]:
        """Raises ValueError unless 0 < old_size <= new_size, LedgerBroken if hashes are missing."""
        return merkle.consistency_proof_from(self._node, old_size, new_size)

    def _read_node(self, level: int, index: int) -> bytes:
        tile_level, height = divmod(level, HEIGHT)
        first, count = index << height, 1 << height
        hashes = self._hashes(tile_level, first // WIDTH)[first % WIDTH : first % WIDTH + count]
        if len(hashes) != count:
            raise LedgerBroken(f"The log lacks hashes of tile {tile_level}/{first // WIDTH}.")
        return merkle.root(hashes)
