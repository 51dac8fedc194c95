"""What S3 answers, in the words of the domain: whose fault it is and whether to try again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from isotrack.pipeline.ports import ObjectExists, ObjectMissing
from isotrack.recording.errors import DestinationError, Transient

_MISSING = {"NoSuchKey", "404"}
_EXISTS = {"PreconditionFailed", "412"}
_PASSING = {
    "BadDigest",  # the bytes changed on the way
    "ConditionalRequestConflict",  # two conditional writes at once: neither was done
    "ExpiredToken",  # a role's credentials are renewed meanwhile
    "InternalError",  # also in an answer of status 200: CompleteMultipartUpload, CopyObject
    "OperationAborted",
    "RequestTimeTooSkewed",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "XAmzContentChecksumMismatch",
}


class UploadGone(Transient):
    """An upload in parts was aborted by somebody else: the object has to be written again."""


@contextmanager
def s3_errors(bucket: str, key: str) -> Iterator[None]:
    """Raise what went wrong in the block as an error that names the bucket and the key.

    Raises:
        ObjectMissing: there is no such key.
        ObjectExists: a create-only write came second.
        Transient: S3 is busy or out of reach; so are, for the moment, its credentials.
        DestinationError: no such bucket, access denied, or whatever else S3 refuses.
    """
    try:
        yield
    except ClientError as error:
        raise _translate(error, f"s3://{bucket}/{key}") from error
    except ParamValidationError as error:
        raise DestinationError(f"s3://{bucket}/{key}: {error}") from error
    except BotoCoreError as error:  # connections, timeouts, torn bodies, credentials
        raise Transient(f"s3://{bucket}/{key}: {error}") from error


def _translate(error: ClientError, place: str) -> Exception:
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    message = f"{place}: {error}"
    if code in _MISSING:
        return ObjectMissing(message)
    if code in _EXISTS:
        return ObjectExists(message)
    if code == "NoSuchUpload":
        return UploadGone(message)
    if code in _PASSING or status >= 500 or status == 429:
        return Transient(message)
    return DestinationError(message)
