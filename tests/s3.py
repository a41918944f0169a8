"""Two real S3 servers on loopback. What each of them proves, and what neither does, is in docs/adr/0015.

MiniStack enforces signed links, checksums, preconditions, versions and Object Lock; rclone is another code base, keeps objects as
files, enforces every signature, and is an old-fashioned server otherwise.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.server import free_port

ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests-secret", "AWS_DEFAULT_REGION": "eu-west-1"}
START_LIMIT_S = 30


@dataclass
class S3Server:
    """A server that a test can take away and bring back, at the same address and with the same objects where it keeps them on disk."""

    name: str
    command: list[str]
    port: int
    env: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command, env={**os.environ, **self.env}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + START_LIMIT_S
        while time.monotonic() < end and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError(f"{self.command[0]} did not start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None


def _beside_python(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def ministack() -> S3Server:
    """Keeps objects in memory. It checks links by the credentials of its own environment."""
    port = free_port()
    env = {"SERVICES": "s3", "BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
    return S3Server("ministack", [_beside_python("ministack")], port, {**env, **ENVIRONMENT, "LOG_LEVEL": "ERROR"})


def rclone(folder: Path) -> S3Server:
    """Keeps objects as files below `folder`: one folder for each bucket."""
    port = free_port()
    keys = f"{ENVIRONMENT['AWS_ACCESS_KEY_ID']},{ENVIRONMENT['AWS_SECRET_ACCESS_KEY']}"
    options = ["--auth-key", keys, "--addr", f"127.0.0.1:{port}", "--config", os.devnull]
    return S3Server("rclone", [_beside_python("rclone"), "serve", "s3", *options, str(folder)], port)


@contextmanager
def running(server: S3Server) -> Iterator[S3Server]:
    """Ended with the block."""
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def s3_server() -> Iterator[str]:
    """The address of a server that enforces preconditions and Object Lock; ended with the block."""
    with running(ministack()) as server:
        yield server.url


def client(endpoint: str) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=ENVIRONMENT["AWS_DEFAULT_REGION"],
        aws_access_key_id=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
        config=Config(request_checksum_calculation="when_required", response_checksum_validation="when_required"),
    )


def make_bucket(endpoint: str, name: str, *, locked: bool = False) -> None:
    region = {"LocationConstraint": os.environ.get("AWS_DEFAULT_REGION", "eu-west-1")}
    client(endpoint).create_bucket(Bucket=name, CreateBucketConfiguration=region, ObjectLockEnabledForBucket=locked)


@dataclass(frozen=True)
class TestBucket:
    """A bucket of one test's own."""

    __test__ = False

    server: S3Server
    name: str
    client: Any

    @property
    def url(self) -> str:
        return f"s3://{self.name}/some/prefix"

    def keys(self, folder: str = "") -> list[str]:
        """What lies below a folder of the prefix, without it."""
        found = self.client.list_objects_v2(Bucket=self.name, Prefix=f"some/prefix/{folder}")
        return [each["Key"].removeprefix("some/prefix/") for each in found.get("Contents", [])]

    def uploads(self) -> list[str]:
        """Keys of uploads in parts that are not joined."""
        found = self.client.list_multipart_uploads(Bucket=self.name, Prefix="some/prefix/")
        return [each["Key"].removeprefix("some/prefix/") for each in found.get("Uploads", [])]

    def read(self, key: str) -> bytes:
        body: bytes = self.client.get_object(Bucket=self.name, Key=f"some/prefix/{key}")["Body"].read()
        return body

    def write(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=f"some/prefix/{key}", Body=data)


def make_test_bucket(server: S3Server) -> TestBucket:
    name = f"lineal-{uuid4().hex[:12]}"
    make_bucket(server.url, name)
    return TestBucket(server, name, client(server.url))
