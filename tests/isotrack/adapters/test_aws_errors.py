from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from isotrack.adapters.aws_errors import aws_errors, error_code
from isotrack.recording.errors import Transient


def refusal(code: str, status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "PutItem",
    )


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://x"),
        ReadTimeoutError(endpoint_url="https://x"),
        refusal("ThrottlingException"),
        refusal("Anything", 503),
        refusal("Anything", 429),
    ],
    ids=["no connection", "no answer", "throttled", "503", "429"],
)
def test_a_failure_that_passes_is_transient_and_says_what_was_tried(error: Exception) -> None:
    with (
        pytest.raises(Transient, match="write the record: ") as caught,
        aws_errors("write the record"),
    ):
        raise error
    assert caught.value.__cause__ is error


def test_a_refusal_that_stays_goes_through() -> None:
    error = refusal("AccessDeniedException")
    with pytest.raises(ClientError) as caught, aws_errors("write the record"):
        raise error
    assert caught.value is error
    assert error_code(error) == "AccessDeniedException"


def test_a_mistake_of_ours_goes_through() -> None:
    with pytest.raises(KeyError), aws_errors("write the record"):
        raise KeyError
