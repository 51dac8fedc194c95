from __future__ import annotations

import pytest

from isotrack.recording.outputs import OutputType, resolve_outputs
from isotrack.recording.tracks import Source

REQUESTED = ["-", "A", "V", "AV", "A V", "A AV", "V AV", "A V AV"]
PRESENT = ["-", "a", "v", "av"]

# Rows: what is requested of a source (A audio_only, V video_only, AV audio_video), all 8 subsets.
# Columns: what of it is playable, all 4 subsets. Cells: the files that are made.
TRUTH = """
    requested | -   | a   | v   | av
    -         | -   | -   | -   | -
    A         | -   | A   | -   | A
    V         | -   | -   | V   | V
    AV        | -   | A   | V   | AV
    A V       | -   | A   | V   | A V
    A AV      | -   | A   | V   | A AV
    V AV      | -   | A   | V   | V AV
    A V AV    | -   | A   | V   | A V AV
"""
LETTERS = {"A": "audio_only", "V": "video_only", "AV": "audio_video"}
KINDS: dict[str, set[str]] = {"-": set(), "a": {"audio"}, "v": {"video"}, "av": {"audio", "video"}}


def outputs(cell: str, source: Source) -> tuple[OutputType, ...]:
    prefix = "screenshare_" if source is Source.SCREENSHARE else ""
    return tuple(OutputType(prefix + LETTERS[word]) for word in cell.split() if word != "-")


def rows() -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in TRUTH.strip().splitlines()]


def cases() -> list[tuple[str, str, str]]:
    header, *body = rows()
    return [
        (row[0], present, made)
        for row in body
        for present, made in zip(header[1:], row[1:], strict=True)
    ]


def test_the_truth_table_has_every_request_and_every_presence() -> None:
    header, *body = rows()
    assert header[1:] == PRESENT
    assert [row[0] for row in body] == REQUESTED
    assert len(cases()) == 8 * 4


@pytest.mark.parametrize("source", list(Source))
@pytest.mark.parametrize(("requested", "present", "made"), cases())
def test_the_files_of_a_source_are_those_of_the_truth_table(
    requested: str, present: str, made: str, source: Source
) -> None:
    resolved = resolve_outputs(outputs(requested, source), KINDS[present], source)
    assert resolved == outputs(made, source)


@pytest.mark.parametrize("source", list(Source))
@pytest.mark.parametrize("requested", REQUESTED)
def test_what_is_asked_of_one_source_makes_nothing_of_the_other(
    requested: str, source: Source
) -> None:
    other = next(s for s in Source if s is not source)
    assert resolve_outputs(outputs(requested, other), {"audio", "video"}, source) == ()


def test_a_screenshare_request_falls_back_to_the_screenshare_file() -> None:
    wish = [OutputType.SCREENSHARE_AUDIO_VIDEO, OutputType.AUDIO_VIDEO]
    made = resolve_outputs(wish, {"video"}, Source.SCREENSHARE)
    assert made == (OutputType.SCREENSHARE_VIDEO_ONLY,)


def test_files_come_in_the_order_of_output_types_however_they_were_asked_for() -> None:
    wish = [OutputType.AUDIO_VIDEO, OutputType.VIDEO_ONLY, OutputType.AUDIO_ONLY]
    assert resolve_outputs(wish, {"audio", "video"}, Source.PARTICIPANT) == (
        OutputType.AUDIO_ONLY,
        OutputType.VIDEO_ONLY,
        OutputType.AUDIO_VIDEO,
    )


@pytest.mark.parametrize(
    ("output", "source", "kinds"),
    [
        ("audio_only", Source.PARTICIPANT, {"audio"}),
        ("video_only", Source.PARTICIPANT, {"video"}),
        ("audio_video", Source.PARTICIPANT, {"audio", "video"}),
        ("screenshare_audio_only", Source.SCREENSHARE, {"audio"}),
        ("screenshare_video_only", Source.SCREENSHARE, {"video"}),
        ("screenshare_audio_video", Source.SCREENSHARE, {"audio", "video"}),
    ],
)
def test_an_output_type_says_what_it_shows(output: str, source: Source, kinds: set[str]) -> None:
    assert OutputType(output).source is source
    assert OutputType(output).kinds == kinds
    assert OutputType.of(source, kinds) is OutputType(output)
