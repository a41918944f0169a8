"""Content digests of files, directories and tables: the same bytes or the same values give the same `sha256:…`, whoever holds them.

`file` equals `sha256sum`; `directory` is the digest of a manifest that `sha256sum -c` checks; `frame` is `lineal-frame-v1`, which does not
depend on library, chunking, dictionary encoding or integer width. Importing this module loads neither numpy nor pyarrow.
"""

from lineal.digest._cache import cached_file
from lineal.digest._directories import directory, directory_manifest
from lineal.digest._files import file
from lineal.digest._frames import FrameScan, frame, scan_frame

__all__ = ["FrameScan", "cached_file", "directory", "directory_manifest", "file", "frame", "scan_frame"]
