"""How each type of resource in a template comes into being: ordinary boto3 calls."""

from __future__ import annotations

from collections.abc import Mapping

from infra.local.resources import compute, edge, http, messaging, recorded, storage
from infra.local.resources.resource import Creator

CREATORS: Mapping[str, Creator] = {
    **compute.CREATORS,
    **edge.CREATORS,
    **http.CREATORS,
    **messaging.CREATORS,
    **recorded.CREATORS,
    **storage.CREATORS,
}
