"""How to reach a local stack, and what its processes need in their environment."""

from __future__ import annotations

import threading
from typing import Any

import boto3
from botocore.config import Config

REGION = "us-east-1"
ACCOUNT = "123456789012"  # moto's
ACCESS_KEY = "local"  # moto takes any; not a name that looks like a real key
SECRET_KEY = "local"

# One session, so that botocore reads its list of all endpoints once, not once per client.
_session = boto3.session.Session()
_making_clients = threading.Lock()  # sessions are not safe to share, clients are


def environment(endpoint: str) -> dict[str, str]:
    """Variables that point boto3, the AWS CLI and every other AWS client at the endpoint."""
    return {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def client(service: str, endpoint: str) -> Any:
    """A boto3 client; untyped, as its type depends on the name."""
    with _making_clients:
        return _session.client(
            service,  # type: ignore[call-overload]  # any service
            endpoint_url=endpoint,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=Config(proxies={}, max_pool_connections=32),
        )
