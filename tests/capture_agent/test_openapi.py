import json
from pathlib import Path

from capture_agent.openapi import CONTRACT, contract

ROOT = Path(__file__).parents[2]


def test_the_written_contract_is_the_interface_as_it_is():
    assert (ROOT / CONTRACT).read_text(encoding="utf-8") == contract(), (
        "run `python -m capture_agent openapi`"
    )


def test_the_contract_says_400_and_never_422():
    document = json.loads(contract())
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert "422" not in operation["responses"], (method, path)
            assert "400" in operation["responses"], (method, path)
    assert document["components"]["schemas"]["TrackAnnouncement"]["additionalProperties"] is False
    assert "#/components/schemas/HTTPValidationError" not in json.dumps(document)
