"""An answer of S3 that does not arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from botocore.awsrequest import AWSRequest, AWSResponse


class Unavailable:
    """The body of a 503."""

    def stream(self, **_: object) -> Iterator[bytes]:
        yield b"<Error><Code>InternalError</Code></Error>"


def lose_the_first_answer() -> Callable[..., AWSResponse | None]:
    """Let a request through to S3 (moto), but answer 500 in its place, once."""
    lost = []

    def before_send(request: AWSRequest, **_: object) -> AWSResponse | None:
        if lost:
            return None
        lost.append(request)
        return AWSResponse(request.url, 500, {}, Unavailable())  # type: ignore[arg-type]

    return before_send
