"""The one table of settings: every `LINEAL_*` variable that the server reads, with its default and its meaning."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from core.mail import parse_server

Network = IPv4Network | IPv6Network
LOOPBACK: Sequence[Network] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


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
        Variable("LINEAL_DATABASE_REPLICA_URL", "", "A streaming replica that slow reads are sent to."),
        Variable(
            "LINEAL_DATABASE_REPLICA_LAG", "5", "Seconds that a replica may be behind before the primary is asked."
        ),
        Variable("LINEAL_DATABASE_POOL", "20", "The most connections that one process opens to PostgreSQL."),
        Variable(
            "LINEAL_DATABASE_POOL_WAIT", "5", "Seconds that a request waits for one of them before it gets a 503."
        ),
        Variable("LINEAL_DATABASE_POOLER", "", "Anything: LINEAL_DATABASE_URL leads to PgBouncer in transaction mode."),
        Variable(
            "LINEAL_REQUEST_SECONDS", "15", "Longest that PostgreSQL runs one statement of a request; 0: for ever."
        ),
        Variable("LINEAL_SEARCH_SECONDS", "10", "Longest that a search, a count or another slow read takes in all."),
        Variable("LINEAL_JOB_SECONDS", "600", "Longest that PostgreSQL runs one statement of a job; 0: for ever."),
        Variable("LINEAL_BLOBS_URL", "", "file:///folder or s3://bucket/prefix; empty for LINEAL_HOME/blobs."),
        Variable(
            "LINEAL_BLOBS_ENCRYPTION",
            "",
            "AES256, aws:kms or aws:kms:KEY, asked of the bucket; empty: its own default.",
        ),
        Variable(
            "LINEAL_BLOBS_PUBLIC_URL",
            "",
            "Address at which clients reach the storage, where it is another; `none`: bytes go through the server.",
        ),
        Variable("LINEAL_BLOBS_LINK_LIFE_S", "900", "Seconds that a link to the storage is good for; at most 604800."),
        Variable(
            "LINEAL_BROKER_URL",
            "",
            "redis://, rediss://, amqp:// or amqps:// broker; empty for a folder in LINEAL_HOME, which serves one machine.",
        ),
        Variable("LINEAL_RUN_DIR", "", "Where processes put their signs of life; empty for LINEAL_HOME/run."),
        Variable("LINEAL_SWEEP_S", "5", "Seconds after which workers look for jobs without having been called."),
        Variable(
            "LINEAL_LEASE_S", "30", "Seconds after which the job of a worker that was killed is begun by another."
        ),
        Variable("LINEAL_STOP_S", "8", "Seconds that a stopping process gets for what it has begun."),
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
        Variable(
            "LINEAL_DATA_ROOTS",
            "",
            "Folders, here or s3://bucket/prefix, that monitors may read Parquet from, comma separated.",
        ),
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
        Variable(
            "LINEAL_BACKUP_PASSPHRASE", "", "Seals and opens the keys in backups; a file is safer, --passphrase-file."
        ),
        Variable("LINEAL_LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR."),
        Variable("LINEAL_LOG_FORMAT", "line", "line, for people; json, one object a line for collectors."),
        Variable(
            "LINEAL_METRICS_OPEN_TO",
            "",
            "Who may read /metrics without a token: loopback, addresses and networks, comma separated.",
        ),
        Variable(
            "LINEAL_METRICS_LISTEN",
            "",
            "host:port where processes without web beside them show their counts, to whoever asks.",
        ),
        Variable("LINEAL_PROCESS", "", "The process's role, as web or worker; set by whatever starts it."),
        Variable("LINEAL_WEB_THREADS", "16", "Request threads of each web process."),
        Variable(
            "LINEAL_WEB_WORKERS",
            "1",
            "Web processes on one port. More than one need PostgreSQL; one for each core lets Python use them.",
        ),
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


def positive(name: str) -> int:
    """A whole number from 1 on. Raises BadSetting."""
    found = number(name)
    if not found:
        raise BadSetting(f"{name} has to be a whole number from 1 on, and is 0.")
    return found


def bucket(name: str) -> str:
    """An address as `s3://bucket/prefix`, or nothing. Raises BadSetting."""
    url = text(name)
    if url and not re.fullmatch(r"s3://[A-Za-z0-9][A-Za-z0-9.-]{1,62}(/[^?#]*)?", url):
        raise BadSetting(f"{name} has to look like s3://bucket/prefix, and is {url!r}.")
    return url


def store(name: str) -> str:
    """An address as `file:///folder` or `s3://bucket/prefix`, or nothing. Raises BadSetting."""
    url = text(name)
    if not url or re.fullmatch(r"file:///.*", url):
        return url
    if url.startswith("s3:"):
        return bucket(name)
    raise BadSetting(f"{name} has to look like file:///folder or s3://bucket/prefix, and is {url!r}.")


def encryption(name: str) -> str:
    """`AES256`, `aws:kms`, `aws:kms:KEY` or nothing. Raises BadSetting."""
    asked = text(name)
    if asked and not re.fullmatch(r"AES256|aws:kms(:\S+)?", asked):
        raise BadSetting(f"{name} has to be AES256, aws:kms or aws:kms:KEY, and is {asked!r}.")
    return asked


def public_store(name: str) -> str:
    """An address as `https://host`, `none`, or nothing. Raises BadSetting."""
    url = text(name).rstrip("/")
    if url and url != "none" and not re.fullmatch(r"https?://[^/?#@\s]+", url):
        raise BadSetting(f"{name} has to look like https://host:port, or be `none`, and is {url!r}.")
    return url


def link_life_s(name: str) -> int:
    """Seconds, from a minute to the week that signatures allow. Raises BadSetting."""
    seconds = number(name)
    if not 60 <= seconds <= 604_800:
        raise BadSetting(f"{name} has to be 60 to 604800 seconds, and is {seconds}.")
    return seconds


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


def choice(name: str, allowed: Sequence[str]) -> str:
    """One of some words. Raises BadSetting."""
    word = text(name)
    if word not in allowed:
        raise BadSetting(f"{name} has to be {' or '.join(allowed)}, and is {word!r}.")
    return word


def networks(name: str) -> list[Network]:
    """Addresses and networks, comma separated; `loopback` stands for this machine. Raises BadSetting."""
    found: list[Network] = []
    for entry in filter(None, map(str.strip, text(name).split(","))):
        try:
            found += LOOPBACK if entry == "loopback" else [ip_network(entry)]
        except ValueError as exc:
            raise BadSetting(f"{name} lists loopback, addresses and networks; {entry!r} is none: {exc}.") from None
    return found


def address(name: str) -> tuple[str, int] | None:
    """`host:port` or `[host]:port`, or None. Raises BadSetting."""
    raw = text(name)
    if not raw:
        return None
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})", raw)
    if match is None or not 0 < int(match[3]) < 65_536:
        raise BadSetting(f"{name} has to look like 127.0.0.1:9464, and is {raw!r}.")
    return match[1] or match[2], int(match[3])


def flag(name: str) -> bool:
    return text(name).lower() not in ("", "0", "no", "false")


def home() -> Path:
    return Path(text("LINEAL_HOME")).expanduser().resolve()


def run_folder() -> Path:
    """Where the processes of this home keep their seats, marks and locks."""
    given = text("LINEAL_RUN_DIR")
    return Path(given).expanduser().resolve() if given else home() / "run"


def as_markdown() -> str:
    """The table for `docs/settings.md`; a test holds the page to it."""
    rows = [f"| `{v.name}` | {f'`{v.default}`' if v.default else ''} | {v.meaning} |" for v in TABLE.values()]
    return "\n".join(["| variable | default | meaning |", "| --- | --- | --- |", *rows]) + "\n"
