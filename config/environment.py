"""The one table of settings: every `LINEAL_*` variable that the server reads, with its default and its meaning."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from core.mail import parse_server


@dataclass(frozen=True)
class Variable:
    name: str
    default: str
    meaning: str

    def read(self) -> str:
        return os.environ.get(self.name) or self.default


TABLE: dict[str, Variable] = {
    variable.name: variable
    for variable in [
        Variable(
            "LINEAL_HOME", ".lineal", "Folder that holds what the server owns: database, blobs, keys, owner's token."
        ),
        Variable(
            "LINEAL_DATABASE_URL", "", "postgresql://user:password@host:port/name; empty for SQLite in LINEAL_HOME."
        ),
        Variable("LINEAL_DATABASE_MIGRATE_URL", "", "The role that migrates, where it is not the one that serves."),
        Variable("LINEAL_BLOBS_URL", "", "file:///folder; empty for LINEAL_HOME/blobs."),
        Variable("LINEAL_BROKER_URL", "", "Celery broker; empty for a folder in LINEAL_HOME."),
        Variable("LINEAL_HOSTS", "localhost,127.0.0.1,[::1]", "Host names that requests may carry, comma separated."),
        Variable("LINEAL_PUBLIC_URL", "", "Address that people and CI reach the server at; links are made from it."),
        Variable("LINEAL_AUDIT_ORIGIN", "", "Name of this ledger in its checkpoints; fixed at first start if empty."),
        Variable("LINEAL_AUDIT_ML_DSA", "", "Anything: sign checkpoints with ML-DSA-44, too; each grows by 3 kB."),
        Variable("LINEAL_ANCHORS_URL", "", "s3://bucket/prefix that gets a copy of the ledger's checkpoints, too."),
        Variable("LINEAL_ANCHORS_LOCK_DAYS", "365", "How long such a copy is locked, in a bucket with Object Lock."),
        Variable("LINEAL_TRUSTED_PROXIES", "0", "How many reverse proxies stand in front and set X-Forwarded-*."),
        Variable(
            "LINEAL_OUTBOUND_ALLOW",
            "",
            "Private hosts and networks that triggers and webhooks may call, comma separated.",
        ),
        Variable(
            "LINEAL_SMTP_URL", "", "smtp://, smtps:// or smtp+starttls://user:password@host:port; empty: no mail."
        ),
        Variable("LINEAL_MAIL_FROM", "lineal@localhost", "Whom mail comes from, as an address or `Name <address>`."),
        Variable("LINEAL_DATA_ROOTS", "", "Folders that monitors may read Parquet files from, comma separated."),
        Variable(
            "LINEAL_PROFILE_PARTS_DAYS",
            "30",
            "How long single profiles of judged windows are kept beside the merged one.",
        ),
        Variable("LINEAL_BIN_DAYS", "30", "How long what was deleted can be restored; 0: until somebody purges it."),
        Variable(
            "LINEAL_SWEEP_GRACE_HOURS",
            "24",
            "How long a stored object that nothing refers to is left alone, before and after it is marked.",
        ),
        Variable("LINEAL_LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR."),
        Variable("LINEAL_WEB_THREADS", "8", "Request threads of the web process."),
        Variable("LINEAL_DEBUG", "", "Anything: show tracebacks in answers. Never where others can reach the server."),
    ]
}


class BadSetting(ValueError):
    """A variable holds something that cannot work; the message says which and what was expected."""


def text(name: str) -> str:
    return TABLE[name].read()


def number(name: str) -> int:
    """A whole number from 0 on. Raises BadSetting."""
    raw = text(name)
    if not re.fullmatch("[0-9]{1,9}", raw):
        raise BadSetting(f"{name} has to be a whole number from 0 on, and is {raw!r}.")
    return int(raw)


def bucket(name: str) -> str:
    """An address as `s3://bucket/prefix`, or nothing. Raises BadSetting."""
    url = text(name)
    if url and not re.fullmatch(r"s3://[A-Za-z0-9][A-Za-z0-9.-]{1,62}(/[^?#]*)?", url):
        raise BadSetting(f"{name} has to look like s3://bucket/prefix, and is {url!r}.")
    return url


def mail_server(name: str) -> str:
    """An address as `smtp://user:password@host:port`, or nothing. Raises BadSetting, which shows no password."""
    url = text(name)
    if not url:
        return ""
    try:
        parse_server(url)
    except ValueError as exc:
        raise BadSetting(f"{name}: {exc}.") from None
    return url


def flag(name: str) -> bool:
    return text(name).lower() not in ("", "0", "no", "false")


def home() -> Path:
    return Path(text("LINEAL_HOME")).expanduser().resolve()


def as_markdown() -> str:
    """The table for `docs/settings.md`; a test holds the page to it."""
    rows = [f"| `{v.name}` | {f'`{v.default}`' if v.default else ''} | {v.meaning} |" for v in TABLE.values()]
    return "\n".join(["| variable | default | meaning |", "| --- | --- | --- |", *rows]) + "\n"
