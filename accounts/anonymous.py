"""The short list of routes that answer a caller who has not signed in. Everything else refuses, and a test walks the
URL map.

Keys are routes as the URL map spells them; each says what it gives away.
"""

from collections.abc import Mapping

ANONYMOUS_ROUTES: Mapping[str, str] = {
    "healthz": "whether this process lives",
    "readyz": "whether it can serve: database, migrations, broker, a word on each",
    "api/v1/server": "name, version and public key of this server, for a client's first contact",
    "api/v1/intake/<uuid:uuid>": "takes a verdict signed with the hook's secret; whoever cannot sign learns nothing",
    "schemas/promotion/v1.json": "the published JSON Schema of result documents, for whoever reads one",
    "login": "the page that signs in",
    "login/exchange": "trades the secret of a one-time link for a session",
    "login/token": "trades a token for a session",
}
