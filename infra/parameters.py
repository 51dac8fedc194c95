"""What whoever deploys may choose, without touching code."""

from __future__ import annotations

from aws_cdk import CfnParameter
from constructs import Construct

from isotrack.recording.outputs import DEFAULT_OUTPUT_TYPES, OutputType
from isotrack.recording.settings import Mode

_OUTPUT_TYPES = "|".join(OutputType)


class Parameters(Construct):
    """The parameters of the template."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.webhook_url = self._parameter(
            "WebhookUrl",
            "Where events are posted to; leave empty for no webhook.",
            default="",
            allowed_pattern="^(https?://[^ ]+)?$",
        )
        self.webhook_retry_seconds = self._parameter(
            "WebhookRetrySeconds",
            "How long to wait before each further attempt to deliver to the webhook, in seconds; "
            "at most 43200 (12 h), the longest that SQS can hide a message.",
            default="5,30,120,600,1800,3600,7200,14400,28800,43200",
            allowed_pattern="^[0-9]+(,[0-9]+)*$",
        )
        self.default_mode = self._parameter(
            "DefaultMode",
            "Individual recording of calls whose call type does not say: off, on request, or on "
            "from the start.",
            default=Mode.AVAILABLE.value,
            allowed_values=[mode.value for mode in Mode],
        )
        self.default_output_types = self._parameter(
            "DefaultOutputTypes",
            "Files made of each participant where the call type does not say.",
            default=",".join(DEFAULT_OUTPUT_TYPES),
            allowed_pattern=f"^({_OUTPUT_TYPES})(,({_OUTPUT_TYPES}))*$",
        )
        self.api_domain = self._parameter(
            "ApiDomain",
            "A domain name of your own for the API; leave empty for CloudFront's.",
            default="",
            allowed_pattern=r"^([a-z0-9-]+(\.[a-z0-9-]+)+)?$",
        )
        self.api_certificate_arn = self._parameter(
            "ApiCertificateArn",
            "The certificate of ApiDomain, in us-east-1, where CloudFront looks for it.",
            default="",
            allowed_pattern="^(arn:[a-z-]+:acm:us-east-1:[0-9]+:certificate/[a-z0-9-]+)?$",
        )

    def _parameter(
        self,
        logical_id: str,
        description: str,
        *,
        default: str,
        allowed_pattern: str | None = None,
        allowed_values: list[str] | None = None,
    ) -> str:
        parameter = CfnParameter(
            self,
            logical_id,
            description=description,
            default=default,
            allowed_pattern=allowed_pattern,
            allowed_values=allowed_values,
        )
        parameter.override_logical_id(logical_id)
        return parameter.value_as_string
