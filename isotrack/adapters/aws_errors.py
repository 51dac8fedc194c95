"""What AWS answers, in the words of the domain: which failures pass by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from isotrack.recording.errors import Transient

_PASSING = {
    "ExpiredTokenException",  # a role's credentials are renewed meanwhile
    "LimitExceededException",
    "OverLimit",
    "ProvisionedThroughputExceededException",
    "QueueDeletedRecently",
    "RequestLimitExceeded",
    "RequestThrottled",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionConflictException",
}


def error_code(error: ClientError) -> str:
    """The code by which a service says why it refused."""
    return error.response.get("Error", {}).get("Code", "")


@contextmanager
def aws_errors(what: str) -> Iterator[None]:
    """Raise Transient, naming what was tried, for a failure that passes; others go through."""
    try:
        yield
    except (ConnectionError, HTTPClientError) as error:
        raise Transient(f"{what}: {error}") from error
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if error_code(error) in _PASSING or status >= 500 or status == 429:
            raise Transient(f"{what}: {error}") from error
        raise
