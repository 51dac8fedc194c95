from __future__ import annotations

from isotrack.recording import errors


def test_the_names_that_state_machines_match_have_not_changed() -> None:
    tree = {
        "RecordingError": "Exception",
        "Transient": "RecordingError",
        "CorruptInput": "RecordingError",
        "NothingPlayable": "CorruptInput",
        "DestinationError": "RecordingError",
        "Rejected": "RecordingError",
        "Invalid": "Rejected",
        "Conflict": "Rejected",
        "Forbidden": "Rejected",
        "Missing": "Rejected",
    }
    classes = {name: cls for name, cls in vars(errors).items() if isinstance(cls, type)}
    assert {name: cls.__bases__[0].__name__ for name, cls in classes.items()} == tree
