"""A real S3 server on loopback that enforces what anchors rely on: `If-None-Match`, Object Lock, missing keys (moto's server)."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests-secret", "AWS_DEFAULT_REGION": "eu-west-1"}


@contextmanager
def s3_server() -> Iterator[str]:
    """Its address; ended with the block."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def client(endpoint: str) -> Any:
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=ENVIRONMENT["AWS_DEFAULT_REGION"],
        aws_access_key_id=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
    )


def make_bucket(endpoint: str, name: str, *, locked: bool) -> None:
    region = {"LocationConstraint": os.environ.get("AWS_DEFAULT_REGION", "eu-west-1")}
    client(endpoint).create_bucket(Bucket=name, CreateBucketConfiguration=region, ObjectLockEnabledForBucket=locked)
