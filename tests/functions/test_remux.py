from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from functions.remux import handler
from isotrack.adapters.checksums import crc32c_of
from isotrack.adapters.stores import open_store
from isotrack.pipeline.ports import ObjectStore
from isotrack.recording.errors import CorruptInput, NothingPlayable
from isotrack.recording.manifest import Manifest
from isotrack.recording.tracks import TrackType
from isotrack.rtp.header import write_header
from tests.builders import MANIFEST_KEY, NOON, manifest
from tests.functions.conftest import Account
from tests.packets import write_records

Sample = Callable[[str], dict[str, Any]]


@pytest.fixture
def raw(aws: Account, environment: Callable[..., None], tmp_path: Path) -> ObjectStore:
    urls = {name: (tmp_path / name).as_uri() for name in ("raw", "recordings")}
    environment(raw_store=urls["raw"], recordings_store=urls["recordings"])
    return open_store(urls["raw"])


def opus(packets: int) -> bytes:
    """A chunk of that many packets of 20 ms of silence, as they were sent."""
    datagrams = [write_header(111, n, 960 * n, 1, False) + b"\xfc\xff\xfe" for n in range(packets)]
    first_us = int(NOON.timestamp() * 1_000_000)
    return bytes(
        write_records(datagrams, arrival_us=[first_us + 20_000 * n for n in range(packets)])
    )


def recorded(chunk: bytes) -> Manifest:
    """Alice's stay with one chunk of audio."""
    made = manifest(TrackType.AUDIO)
    (captured,) = made.tracks
    written = replace(captured.chunks[0], size_bytes=len(chunk), crc32c=crc32c_of(chunk))
    return made.model_copy(update={"tracks": (captured.model_copy(update={"chunks": (written,)}),)})


def test_a_job_gives_its_files_as_they_stand_in_the_store(
    raw: ObjectStore, sample: Sample, context: LambdaContext, tmp_path: Path
) -> None:
    chunk = opus(packets=100)
    made = recorded(chunk)
    raw.put(made.tracks[0].chunks[0].key, chunk)
    raw.put(MANIFEST_KEY, made.model_dump_json().encode())
    remuxed = handler(sample("remux"), context)
    assert remuxed["job"] == sample("remux")
    (file,) = remuxed["files"]
    assert (file["output_type"], file["fallback"], file["codecs"]) == ("audio_only", True, ["opus"])
    body = open_store((tmp_path / "recordings").as_uri()).get(file["key"])
    assert len(body) == file["size_bytes"]
    assert hashlib.sha256(body).hexdigest() == file["sha256"]
    assert abs(file["duration_ms"] - 2000) <= 20  # 100 packets of 20 ms


def test_a_job_whose_chunks_are_gone_has_nothing_playable(
    raw: ObjectStore, sample: Sample, context: LambdaContext
) -> None:
    raw.put(MANIFEST_KEY, manifest(TrackType.AUDIO).model_dump_json().encode())
    with pytest.raises(NothingPlayable, match="alice-audio"):
        handler(sample("remux"), context)


def test_a_job_of_a_manifest_that_is_not_there_is_corrupt_input(
    raw: ObjectStore, sample: Sample, context: LambdaContext
) -> None:
    with pytest.raises(CorruptInput, match=MANIFEST_KEY):
        handler(sample("remux"), context)


def test_an_input_that_is_no_job_is_refused_by_field(
    raw: ObjectStore, context: LambdaContext
) -> None:
    with pytest.raises(ValidationError, match="source"):
        handler({"manifest_key": MANIFEST_KEY, "revision": 1, "source": "x"}, context)
