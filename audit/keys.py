"""The log's key pair: `HOME/keys/log.key` (secret, 0600) and `log.vkey` (public). The key's name is the log's origin.

`log.next.key` is there from the moment that a rotation is asked for until the sequencer has signed it with both keys.
Only the sequencer loads the secret half. Processes on other machines learn the public half from stored checkpoints.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from audit.cosigning import Cosigner
from audit.models import AuditCheckpoint
from audit.notes import Signer, parse_vkey
from core.errors import Conflict
from core.folders import write_once

DEFAULT_HOST = "lineal.local"
DEFAULT_ORG = "default"


class WrongKey(Conflict):
    """The key at hand is not the one that this log is signed with."""

    code = "wrong-log-key"
    title = "Wrong log key"


def load_signer() -> Signer:
    """The log's signer, made at first need. For the sequencer alone.

    Raises:
        WrongKey: LINEAL_AUDIT_ORIGIN names another log, or another key has signed the last checkpoint.
    """
    ensure_key()
    signer = Signer.from_skey(_secret_path().read_text().strip())
    heir, last = find_successor(), _last_vkey()
    if heir and heir.vkey == last:  # signed by both, and then the sequencer died
        settle_successor(heir)
        signer = heir
    if settings.AUDIT_ORIGIN and signer.name != settings.AUDIT_ORIGIN:
        raise WrongKey(f"LINEAL_AUDIT_ORIGIN is '{settings.AUDIT_ORIGIN}' and the log's key is for '{signer.name}'.")
    if last not in (None, signer.vkey):
        raise WrongKey(f"The log is signed with {last}; the key in {_secret_path()} is {signer.vkey}.")
    return signer


def ensure_key() -> None:
    """Make the key pair if there is none. Safe to call from several processes at once.

    Raises:
        WrongKey: there is a log already, so its key is elsewhere or lost, and a new one would not continue it.
    """
    secret, public = _secret_path(), _public_path()
    if not secret.exists():
        if AuditCheckpoint.objects.exists():
            raise WrongKey(f"The log has checkpoints, and its key is not at {secret}; bring it back from a backup.")
        _create(secret, Signer.generate(settings.AUDIT_ORIGIN or default_origin()).to_skey())
    if not public.exists():
        _create(public, Signer.from_skey(secret.read_text().strip()).vkey, mode=0o644)


def make_successor() -> Signer:
    """The key that the log is to be handed to, made where there is none yet. It signs nothing by being made.

    Raises:
        WrongKey: the secret half of the present key is not here, so this is not where the sequencer runs.
    """
    if not _secret_path().exists():
        raise WrongKey(f"The log's key is not at {_secret_path()}: rotate where the sequencer runs.")
    present = Signer.from_skey(_secret_path().read_text().strip())
    heir = find_successor()
    if heir is None:
        heir = Signer.generate(present.name)
        _create(_successor_path(), heir.to_skey())
    return heir


def find_successor() -> Signer | None:
    """The key that waits to take over, if one does."""
    try:
        return Signer.from_skey(_successor_path().read_text().strip())
    except FileNotFoundError:
        return None


def settle_successor(heir: Signer) -> None:
    """Put the new pair in the old one's place, whose secret half is gone then. Can be repeated after a crash at any point."""
    public = _public_path()
    draft = public.with_name(f"{public.name}.{os.getpid()}.new")
    draft.write_text(heir.vkey + "\n")
    draft.chmod(0o644)
    draft.replace(public)
    _successor_path().replace(_secret_path())  # last: while it is there, the work is known to be unfinished


def load_cosigner() -> Cosigner | None:
    """The second signer, made at first need, where LINEAL_AUDIT_ML_DSA asks for one. For the sequencer alone."""
    if not settings.AUDIT_ML_DSA:
        return None
    secret, public = _cosigner_path("key"), _cosigner_path("vkey")
    if not secret.exists():
        _create(secret, Cosigner.generate(origin()).to_skey())
    cosigner = Cosigner.from_skey(secret.read_text().strip())
    if not public.exists():
        _create(public, cosigner.vkey, mode=0o644)
    return cosigner


def find_cosigner_vkey() -> str | None:
    """The public key of the second signer, if this log has one and the key folder is here."""
    path = _cosigner_path("vkey")
    return path.read_text().strip() if path.exists() else None


def find_vkey() -> str | None:
    """The public key: from the key folder, else from the last checkpoint, else None as there is no log yet."""
    path = _public_path()
    if path.exists():
        return path.read_text().strip()
    return _last_vkey()


def _last_vkey() -> str | None:
    return AuditCheckpoint.objects.order_by("-size").values_list("vkey", flat=True).first()


def origin() -> str:
    """The log's name in its checkpoints."""
    vkey = find_vkey()
    return parse_vkey(vkey).name if vkey else settings.AUDIT_ORIGIN or default_origin()


def default_origin() -> str:
    """`<public host>/audit/default`; what the key is named for life when nothing else is set at first start."""
    return f"{urlsplit(settings.PUBLIC_URL).hostname or DEFAULT_HOST}/audit/{DEFAULT_ORG}"


def org() -> str:
    """The organisation that events are of: what follows `/audit/` in a configured origin."""
    return settings.AUDIT_ORIGIN.rpartition("/audit/")[2] if "/audit/" in settings.AUDIT_ORIGIN else DEFAULT_ORG


def _secret_path() -> Path:
    return Path(settings.HOME) / "keys" / "log.key"


def _cosigner_path(kind: str) -> Path:
    return Path(settings.HOME) / "keys" / f"log.ml-dsa.{kind}"


def _successor_path() -> Path:
    return Path(settings.HOME) / "keys" / "log.next.key"


def _public_path() -> Path:
    return Path(settings.HOME) / "keys" / "log.vkey"


def _create(path: Path, text: str, *, mode: int = 0o600) -> None:
    write_once(path, lambda: text.encode() + b"\n", mode=mode)
