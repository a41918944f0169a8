"""The one reviewed list of routes whose writes leave no entry of their own, each with what evidences them instead.

A test walks all mutating routes: a route is on this list, or a request that changes something leaves an event.
"""

from collections.abc import Mapping

SEAL = "part of the run's seal, which is an entry"
JUDGED = "kept by its id and digest; the judgement of its window is an entry"
LINKS = "records nothing: what is sent by them is part of the run's seal once it is committed"
LOOKS = "changes nothing: a search with a body"

EXEMPT_ROUTES: Mapping[str, str] = {
    "POST /api/v1/runs/{id}/batches": SEAL,
    "POST /api/v1/batches": SEAL,
    "POST /api/v1/runs/{id}/inputs": SEAL,
    "POST /api/v1/runs/{id}/outputs": SEAL,
    "PUT /api/v1/runs/{id}/tags/{key}": SEAL,
    "DELETE /api/v1/runs/{id}/tags/{key}": SEAL,
    "POST /api/v1/runs/{id}/artifacts": SEAL,
    "POST /api/v1/runs/{id}/artifacts/pack": SEAL,
    "PUT /api/v1/uploads/{id}": SEAL,
    "POST /api/v1/uploads/{id}/links": LINKS,
    "POST /api/v1/uploads/{id}/commit": SEAL,
    "POST /api/v1/monitors/{id}/profiles": JUDGED,
    "POST /api/v1/runs/search": LOOKS,
    "POST /api/v1/series/search": LOOKS,
    "POST /api/v1/series/raw/search": LOOKS,
    "POST /api/v1/runs/count": LOOKS,
    "POST /api/v1/runs/{id}/artifacts/contents/search": LOOKS,
}
