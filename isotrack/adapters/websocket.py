"""The other ends of WebSocket connections, by API Gateway's `@connections` API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isotrack.adapters.aws_errors import aws_errors
from isotrack.control.ports import Gone

if TYPE_CHECKING:
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient


def management_url(websocket_url: str) -> str:
    """Where the `@connections` of a stage are, given where clients connect to: `wss://...`."""
    return websocket_url.replace("ws", "http", 1)


class ApiGatewayConnections:
    """Connections of one stage of a WebSocket API."""

    def __init__(self, client: ApiGatewayManagementApiClient) -> None:
        """Args: client, whose endpoint is that of the stage (`management_url`)."""
        self._client = client

    def send(self, connection_id: str, message: str) -> None:
        """Send a message. Raises Gone, or Transient, also where the other side does not read."""
        try:
            with aws_errors(f"send to connection {connection_id}"):
                self._client.post_to_connection(ConnectionId=connection_id, Data=message.encode())
        except self._client.exceptions.GoneException as error:
            raise Gone(f"connection {connection_id} is closed") from error

    def close(self, connection_id: str) -> None:
        """Close a connection; one that is closed stays so. Raises Transient."""
        try:
            with aws_errors(f"close connection {connection_id}"):
                self._client.delete_connection(ConnectionId=connection_id)
        except self._client.exceptions.GoneException:
            return
