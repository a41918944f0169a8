"""Make the bucket that compose.yaml stores objects in, if it is not there: `make_bucket.py NAME`. Waits a minute for the server."""

import sys
import time

import boto3
from botocore.exceptions import BotoCoreError, ClientError

LIMIT_S = 60


def make(name: str) -> None:
    """Raises ClientError or BotoCoreError when the server refuses or is not there."""
    s3 = boto3.client("s3")
    try:
        s3.create_bucket(Bucket=name)
    except ClientError as exc:
        if exc.response["Error"]["Code"] not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
            raise
    s3.head_bucket(Bucket=name)


def main(name: str) -> None:
    end = time.monotonic() + LIMIT_S
    while True:
        try:
            return make(name)
        except (BotoCoreError, ClientError) as exc:
            if time.monotonic() > end:
                sys.exit(f"The bucket {name} cannot be had: {exc}")
        time.sleep(1)


if __name__ == "__main__":
    main(sys.argv[1])
