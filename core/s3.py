"""How this server talks to S3-compatible storage: the one place where boto3's clients are made and its errors are read.

Endpoint, region and credentials are those that boto3 finds (AWS_ENDPOINT_URL_S3, AWS_REGION, AWS_ACCESS_KEY_ID, a role, …). It is
imported with the first bucket: a server without one does not pay for it.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

CONNECT_LIMIT_S = 5
ATTEMPTS = 2  # whoever asks asks again: a client, the outbox, the beat


@dataclass(frozen=True)
class Place:
    """A bucket and the folder in it, without slashes at its ends; empty for the whole bucket."""

    bucket: str
    folder: str

    def key(self, *parts: str) -> str:
        return "/".join(part for part in (self.folder, *parts) if part)


def parse_place(url: str) -> Place:
    """The place that `s3://bucket/folder` names."""
    parts = urlsplit(url)
    return Place(parts.netloc, parts.path.strip("/"))


def new_client(*, read_limit_s: float, endpoint: str = "", connections: int = 10, attempts: int = ATTEMPTS) -> Any:
    """A client of its own, safe to share between threads. `endpoint` replaces the one that boto3 finds.

    Signatures are of version 4 everywhere: links of version 2, which boto3 still makes for old regions, cover no headers.
    Checksums are sent where a call asks for one; boto3's own default is a trailer that many servers do not read.
    """
    import boto3  # noqa: PLC0415 - see above
    from botocore.config import Config  # noqa: PLC0415 - as above

    config = Config(
        connect_timeout=CONNECT_LIMIT_S,
        read_timeout=read_limit_s,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        signature_version="s3v4",
        max_pool_connections=connections,
    )
    return boto3.session.Session().client("s3", config=config, endpoint_url=endpoint or None)


def errors() -> tuple[type[Exception], ...]:
    """What boto3 raises: no answer, or one that refuses."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as above

    return (BotoCoreError, ClientError)


def code_of(exc: Exception) -> str:
    """The server's own name for what is wrong (`NoSuchKey`, or the status of an answer without a body); empty where it did not answer."""
    answer = getattr(exc, "response", None) or {}
    return str(answer.get("Error", {}).get("Code", ""))


def is_missing(exc: Exception) -> bool:
    """Whether the server answered that there is no such object."""
    return code_of(exc) in {"404", "NoSuchKey", "NotFound"}


def is_precondition(exc: Exception) -> bool:
    """Whether a condition of the request did not hold, or something else was being written there at the same time."""
    return code_of(exc) in {"412", "PreconditionFailed", "ConditionalRequestConflict"}
