"""Whose fault it is what S3 answers."""

from __future__ import annotations

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ResponseStreamingError,
)

from isotrack.adapters.s3_errors import UploadGone, s3_errors
from isotrack.pipeline.ports import ObjectExists, ObjectMissing
from isotrack.recording.errors import DestinationError, Transient


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("NoSuchKey", 404, ObjectMissing),
        ("NoSuchBucket", 404, DestinationError),
        ("AccessDenied", 403, DestinationError),
        ("InvalidAccessKeyId", 403, DestinationError),
        ("PreconditionFailed", 412, ObjectExists),
        ("ConditionalRequestConflict", 409, Transient),
        ("SlowDown", 503, Transient),
        ("InternalError", 500, Transient),
        ("InternalError", 200, Transient),  # CompleteMultipartUpload fails in a body of status 200
        ("RequestTimeout", 400, Transient),
        ("BadDigest", 400, Transient),
        ("TooManyRequests", 429, Transient),
        ("NoSuchUpload", 404, UploadGone),
        ("EntityTooLarge", 400, DestinationError),
    ],
)
def test_an_answer_becomes_an_error_that_names_bucket_and_key(
    code: str, status: int, expected: type[Exception]
) -> None:
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    message = f"s3://customers/raw/1: .*{code}"
    with pytest.raises(expected, match=message) as caught, s3_errors("customers", "raw/1"):
        raise ClientError(answer, "AnyOperation")  # type: ignore[arg-type]
    assert type(caught.value) is expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (EndpointConnectionError(endpoint_url="http://s3"), Transient),
        (ResponseStreamingError(error="torn"), Transient),
        (NoCredentialsError(), Transient),
        (ParamValidationError(report="bad bucket name"), DestinationError),
    ],
)
def test_no_answer_is_worth_another_try(error: BotoCoreError, expected: type[Exception]) -> None:
    with pytest.raises(expected, match="s3://customers/raw/1"), s3_errors("customers", "raw/1"):
        raise error
