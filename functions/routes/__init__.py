"""The operations of the HTTP API, one module for each kind of thing.

Each is thin: what was asked for goes to one verb of the control plane, its answer is the answer.
"""

from functions.operations import Operation
from functions.routes.agents import agents
from functions.routes.app import app
from functions.routes.call_types import call_types
from functions.routes.calls import calls
from functions.routes.members import members
from functions.routes.recordings import recordings
from functions.routes.users import users

OPERATIONS: tuple[Operation, ...] = tuple(
    operation
    for group in (calls, members, recordings, call_types, users, app, agents)
    for operation in group.declared
)
"""Everything that can be asked for."""
