"""`lineal backup` and `lineal restore`, as operators type them.

Everything that needs Django is imported after the home is known: settings are read once.
"""

import dataclasses
import json
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import click

from config import database
from config.backups import failures, marker
from config.backups.failures import BackupFailed, Refused
from config.backups.places import chosen, place_at
from config.backups.progress import shown
from config.home import home_folder
from config.processes import HomeTaken, take_lock
from core.folders import make_private

CODES = """\b
Exit codes:
   0  done
   1  failed: damaged, no space, wrong passphrase, not proven
   2  usage: the command or a value in it is wrong
   3  backup: made, but the store had lost objects (named)
   4  restore: refused: target not empty, its server runs, or the backup is newer
   5  restore: the ledger went on after the backup; needs --accept-loss"""

_HOME = click.option(
    "--home", type=click.Path(path_type=Path), default=None, help="Folder of all the server owns [.lineal]."
)
_PASSPHRASE = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Seals the keys; its first line. Or LINEAL_BACKUP_PASSPHRASE.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


@click.group(invoke_without_command=True, epilog=CODES)
@_HOME
@click.option("--to", "destination", metavar="PLACE", help="A folder or s3://bucket/prefix; holds many backups.")
@click.option("--without-keys", is_flag=True, help="Leave the secret keys out; keep them yourself.")
@_PASSPHRASE
@_JSON
@click.pass_context
def backup(
    context: click.Context,
    *,
    home: Path | None,
    destination: str | None,
    without_keys: bool,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Copy the database, the stored objects and the keys to PLACE, while the server runs.

    Objects that PLACE has from an earlier backup are not copied again.
    """
    if context.invoked_subcommand is not None:
        return
    if destination is None:
        raise click.UsageError("Name the place with --to.", context)
    passphrase = _passphrase(passphrase_file)
    _begin(_existing(home))
    with _plainly(), shown(as_json=as_json) as progress:
        from config.backups.making import make  # noqa: PLC0415 - needs settings

        place = place_at(destination)
        made = make(place, with_keys=not without_keys, passphrase=passphrase, progress=progress)
        if made.manifest.keys is not None and not made.manifest.keys.sealed:
            progress.say(
                f"! {place.where(f'{made.manifest.name}/{made.manifest.keys.file}')} holds this server's SECRET KEYS IN THE "
                "CLEAR: guard it as you guard them, or seal it with --passphrase-file."
            )
        _tell_made(made, place.where(), as_json=as_json)
    if made.lost:
        sys.exit(failures.INCOMPLETE)


def _tell_made(made: Any, where: str, *, as_json: bool) -> None:
    found = made.manifest
    if as_json:
        _print(
            {
                "backup": found.name,
                "place": where,
                "made_at": found.made_at,
                "manifest_sha256": made.digest,
                "signed": made.signed,
                "database": found.database,
                "rows": found.rows,
                "objects": found.objects.count,
                "objects_bytes": found.objects.bytes,
                "copied_objects": made.copied_objects,
                "absent": [
                    {"project": e.project, "sha256": e.sha256, "reason": e.reason, "expected": e.expected}
                    for e in found.absent
                ],
                "ledger": {"size": found.ledger.size, "root": found.ledger.root, "waiting": found.ledger.waiting},
                "keys": "none" if found.keys is None else "sealed" if found.keys.sealed else "clear",
            }
        )
        return
    click.echo(f"Backup {found.name} in {where}")
    click.echo(f"  database  {found.rows:,} rows of {found.database}")
    click.echo(f"  objects   {found.objects.count:,}, of which {made.copied_objects:,} were new here")
    click.echo(f"  ledger    {found.ledger.size:,} events, root {found.ledger.root}")
    click.echo(f"  manifest  sha256:{made.digest} ({'signed by the ledger key' if made.signed else 'not signed'})")
    for each in made.lost:
        click.echo(
            f"! The store has not the object sha256:{each.sha256} of the project {each.project}: {each.reason}.",
            err=True,
        )


@backup.command("list", epilog=CODES)
@click.option("--from", "source", metavar="PLACE", required=True)
@_JSON
def list_backups(source: str, as_json: bool) -> None:
    """List the complete backups of a place, newest last."""
    with _plainly(), _spare_home():
        from config.backups import manifest  # noqa: PLC0415 - needs settings

        place = place_at(source)
        found = [manifest.read(place, name) for name in place.backups()]
        if as_json:
            _print([{"backup": m.name, "made_at": m.made_at, "database": m.database, "rows": m.rows,
                     "objects": m.objects.count, "ledger_size": m.ledger.size, "server_version": m.server_version}
                    for m in found])  # fmt: skip
            return
        if not found:
            click.echo(f"no complete backup in {place.where()}", err=True)
        for m in found:
            click.echo(
                f"{m.name}  {m.rows:>12,} rows  {m.objects.count:>9,} objects  ledger {m.ledger.size:,}  {m.database}"
            )


@backup.command("prune", epilog=CODES)
@click.option("--from", "source", metavar="PLACE", required=True)
@click.option("--keep", type=click.IntRange(1), required=True, help="How many of the newest to keep.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@_JSON
def prune_backups(source: str, keep: int, dry_run: bool, as_json: bool) -> None:
    """Remove all but the newest backups, and objects that none of these names. Not while a backup to PLACE is made."""
    with _plainly(), _spare_home(), shown(as_json=as_json) as progress:
        from config.backups.pruning import prune  # noqa: PLC0415 - needs settings

        done = prune(place_at(source), keep=keep, dry_run=dry_run, progress=progress)
        if as_json:
            _print(dataclasses.asdict(done))
            return
        verb = "would go" if dry_run else "removed"
        drafts = f", and {done.removed_drafts:,} half-written files" if done.removed_drafts else ""
        click.echo(
            f"{len(done.removed)} backups and {done.removed_objects:,} objects{drafts} {verb}; {len(done.kept)} kept"
        )


@click.command(epilog=CODES)
@click.option("--from", "source", metavar="PLACE", required=True, help="A backup, or a place: then its newest one.")
@_HOME
@click.option("--verify", is_flag=True, help="Prove the whole ledger and hash every stored object afterwards.")
@click.option("--dry-run", is_flag=True, help="Check the backup where it lies; restore nothing.")
@_PASSPHRASE
@click.option(
    "--keys",
    "keys_from",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of the keys, for a backup without them.",
)
@click.option(
    "--key",
    "vkey",
    metavar="VKEY",
    help="The ledger's public key, or a file with it: the backup has to be signed by it.",
)
@click.option(
    "--anchors",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    multiple=True,
    help="Folder with further heads of the ledger.",
)
@click.option("--accept-loss", is_flag=True, help="Restore although later events are known to exist.")
@click.option("--reason", default="", metavar="TEXT", help="Why; stays on the ledger.")
@click.option("--revoke-tokens", is_flag=True, help="End all tokens and sign-ins of the backup.")
@_JSON
def restore(
    *,
    source: str,
    home: Path | None,
    verify: bool,
    dry_run: bool,
    passphrase_file: Path | None,
    keys_from: Path | None,
    vkey: str | None,
    anchors: tuple[Path, ...],
    accept_loss: bool,
    reason: str,
    revoke_tokens: bool,
    as_json: bool,
) -> None:
    """Bring a backup back into an empty home and an empty database of either kind.

    What was waiting to be sent at the time of the backup is held, not sent. A restore that broke off goes on when the
    same command is given again.
    """
    if accept_loss and not reason.strip():
        raise click.UsageError("--accept-loss needs a --reason: it stays on the ledger.")
    passphrase = _passphrase(passphrase_file)
    with _plainly(), shown(as_json=as_json) as progress, _target(home, dry_run=dry_run):
        from config.backups import manifest, restoring  # noqa: PLC0415 - needs settings

        place, name = chosen(source)
        found = manifest.read(place, name, trusted_vkey=_vkey(vkey))
        wish = restoring.Wish(verify, passphrase, keys_from, anchors, accept_loss, reason, revoke_tokens)
        if dry_run:
            findings = restoring.check(place, found, wish, progress)
            _tell_checked(found, place.where(name), findings, as_json=as_json)
        else:
            restored = restoring.restore(place, found, wish, progress)
            _tell_restored(restored, as_json=as_json)
            findings = restored.findings
    if findings:
        sys.exit(BackupFailed.exit_code)


def _tell_checked(found: Any, where: str, findings: list[str], *, as_json: bool) -> None:
    if as_json:
        _print({"backup": found.name, "sound": not findings, "findings": findings, "rows": found.rows,
                "objects": found.objects.count, "ledger": {"size": found.ledger.size, "root": found.ledger.root}})  # fmt: skip
        return
    for finding in findings:
        click.echo(f"! {finding}", err=True)
    if findings:
        click.echo(f"The backup {where} is not sound: {len(findings)} findings.", err=True)
        return
    click.echo(
        f"The backup {where} is sound: {found.rows:,} rows, {found.objects.count:,} objects, "
        f"{found.ledger.size:,} events with the root {found.ledger.root}."
    )


def _tell_restored(restored: Any, *, as_json: bool) -> None:
    from config.backups.ledger import lost_words  # noqa: PLC0415 - needs settings

    found, settled = restored.manifest, restored.settled
    if as_json:
        _print(
            {
                "backup": found.name,
                "rows": found.rows,
                "objects": found.objects.count,
                "copied_objects": restored.copied_objects,
                "ledger": {"size": found.ledger.size, "root": found.ledger.root},
                "lost": [{"location": e.location, "size": e.size, "root": e.root} for e in restored.later],
                "held": {"deliveries": settled.deliveries, "firings": settled.firings, "jobs": settled.jobs},
                "revoked_tokens": settled.tokens,
                "absent_objects": settled.absent_objects,
                "verified": None
                if restored.verified_events is None
                else {"events": restored.verified_events, "objects": restored.verified_objects},
                "findings": restored.findings,
            }
        )
        return
    click.echo(
        f"Restored {found.name}: {found.rows:,} rows, {found.objects.count:,} objects, {found.ledger.size:,} events"
    )
    if restored.later:
        click.echo(f"! Lost: {lost_words(found.ledger, restored.later)}", err=True)
    held = {"messages": settled.deliveries, "triggered jobs": settled.firings, "jobs": sum(settled.jobs.values())}
    for what, count in held.items():
        if count:
            click.echo(f"  held      {count:,} {what}, which may have been sent since the backup")
    if settled.tokens:
        click.echo(f"  revoked   {settled.tokens:,} tokens; the next start makes the owner a new one")
    if settled.absent_objects:
        click.echo(f"  missing   {settled.absent_objects:,} objects that the backup did not have")
    for finding in restored.findings:
        click.echo(f"! {finding}", err=True)
    if restored.verified_events is not None and not restored.findings:
        click.echo(f"  verified  {restored.verified_events:,} events and {restored.verified_objects:,} stored objects")
    if restored.findings:
        click.echo("Not proven. `lineal up` does not start on this home until a --verify finds nothing.", err=True)


@contextmanager
def _target(home: Path | None, *, dry_run: bool) -> Iterator[None]:
    """An empty home, or one that this restore was begun in, held against a server that would start meanwhile. Raises Refused."""
    if dry_run:
        with _spare_home():
            yield
        return
    folder = home_folder(home)
    make_private(folder / "run")
    with _locked(folder):
        if marker.find(folder) is None and (
            (folder / "keys" / "log.key").exists() or (folder / "owner.token").exists()
        ):
            raise Refused(f"{folder} is the home of a server already. Restore into an empty one.")
        _begin(folder, work="migration")
        yield


def _locked(folder: Path) -> IO[str]:
    try:
        return take_lock(folder)
    except HomeTaken as exc:
        raise Refused(f"{exc} Stop it first, or restore into another home.") from exc


@contextmanager
def _spare_home() -> Iterator[None]:
    """For what looks at backups alone: settings want a home, and nobody's is touched."""
    with tempfile.TemporaryDirectory(prefix="lineal-") as folder:
        for name in (
            "LINEAL_DATABASE_URL",
            "LINEAL_DATABASE_MIGRATE_URL",
            "LINEAL_DATABASE_REPLICA_URL",
            "LINEAL_BLOBS_URL",
        ):
            os.environ.pop(name, None)
        _begin(Path(folder))
        yield


def _existing(home: Path | None) -> Path:
    folder = home_folder(home)
    if not (folder / "keys").is_dir() and not os.environ.get("LINEAL_DATABASE_URL"):
        raise BackupFailed(f"{folder} is not the home of a Lineal server: it has no keys. Name it with --home.")
    return folder


def _begin(home: Path, *, work: database.Work = "jobs") -> None:
    """Load the server's code on this home. Jobs ring for nobody: no worker belongs to this process.

    Filling tables and setting their counters is `work` for the role that migrates, where there are two.
    """
    os.umask(0o077)
    database.work = work
    os.environ |= {"LINEAL_HOME": str(home), "DJANGO_SETTINGS_MODULE": "config.settings"}
    import django  # noqa: PLC0415 - slow to import, and after the environment

    with _plainly():
        django.setup()
        from django.conf import settings  # noqa: PLC0415 - as above

        settings.RING_WORKERS = False
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # what it warns of ends in one line of ours


@contextmanager
def _plainly() -> Iterator[None]:
    """What goes wrong on the way, as one line. Raises BackupFailed."""
    from django.db import DatabaseError  # noqa: PLC0415 - needs no settings, and is slow to import

    from config.environment import BadSetting  # noqa: PLC0415 - beside the others
    from core.errors import LinealError  # noqa: PLC0415 - as above

    try:
        yield
    except LinealError as exc:
        raise BackupFailed(exc.detail) from exc
    except BadSetting as exc:
        raise BackupFailed(str(exc)) from exc
    except DatabaseError as exc:
        words = str(exc).strip().splitlines()
        raise BackupFailed(f"The database: {words[0] if words else type(exc).__name__}") from exc
    except OSError as exc:
        named = f"{exc.filename}: " if exc.filename else ""
        raise BackupFailed(f"{named}{exc.strerror or exc}") from exc


def _passphrase(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get("LINEAL_BACKUP_PASSPHRASE") or None
    lines = file.read_text().splitlines()
    if not lines or not lines[0]:
        raise click.UsageError(f"{file} has no passphrase in its first line.")
    return lines[0]


def _vkey(given: str | None) -> str | None:
    if given is None or "+" in given:
        return given
    return Path(given).read_text().strip()


def _print(document: object) -> None:
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
