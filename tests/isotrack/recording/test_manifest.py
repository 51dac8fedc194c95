from __future__ import annotations

import json

import pytest

from isotrack.recording.errors import CorruptInput
from isotrack.recording.manifest import Manifest
from isotrack.recording.tracks import TrackType
from isotrack.recording.validation import stored
from tests.builders import manifest


def test_a_manifest_is_read_as_it_was_written() -> None:
    written = manifest(TrackType.AUDIO, TrackType.SCREENSHARE_VIDEO)
    assert stored(Manifest, written.model_dump_json(), "k") == written


def test_a_manifest_of_a_later_schema_is_refused_by_place_and_field() -> None:
    text = json.dumps(manifest().model_dump(mode="json") | {"schema_version": 2})
    with pytest.raises(CorruptInput, match=r"raw/x/manifest\.json: schema_version"):
        stored(Manifest, text, "raw/x/manifest.json")


@pytest.mark.parametrize("field", ["size_bytes", "crc32c", "packets"])
def test_a_chunk_with_a_negative_number_is_refused_by_field(field: str) -> None:
    fields = manifest(TrackType.AUDIO).model_dump(mode="json")
    fields["tracks"][0]["chunks"][0][field] = -1
    with pytest.raises(CorruptInput, match=rf"tracks\.0\.chunks\.0\.{field}"):
        stored(Manifest, json.dumps(fields), "k")


def test_a_torn_manifest_is_refused() -> None:
    with pytest.raises(CorruptInput, match="k: body: Invalid JSON"):
        stored(Manifest, manifest().model_dump_json()[:-9], "k")
