"""The one address that clients know, in front of both APIs."""

from __future__ import annotations

from typing import cast

from aws_cdk import CfnCondition, Duration, Fn
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from constructs import Construct

from infra.findings import acknowledge
from infra.logical_ids import pin
from infra.parameters import Parameters
from infra.websocket import STAGE

CONNECT_PATH = "/video/connect"
# CloudFront keeps these for 10 s for everybody, whatever the cache policy says, unless told not to.
ERRORS = (400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504)
# A WebSocket API answers on the path that is its stage, and on no other.
REWRITE = f"""function handler(event) {{
  event.request.uri = '/{STAGE}';
  return event.request;
}}
"""


class FrontDoor(Construct):
    """A CloudFront distribution that keeps nothing: `/video/connect` is the WebSocket API's.

    Clients derive the WebSocket's address from the base URL that they are given
    (docs/decisions/0011-one-front-door.md).

    Attributes:
        url: the base URL of clients, without a slash at the end.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        http_api: apigateway.HttpApi,
        websocket_api: apigateway.WebSocketApi,
        parameters: Parameters,
    ) -> None:
        super().__init__(scope, construct_id)
        distribution = cloudfront.Distribution(
            self,
            "FrontDoor",
            comment="Isotrack: the HTTP API and the WebSocket API at one address",
            default_behavior=_behavior(http_api.api_endpoint),
            additional_behaviors={
                CONNECT_PATH: _behavior(websocket_api.api_endpoint, self._rewriting())
            },
            error_responses=[
                cloudfront.ErrorResponse(http_status=status, ttl=Duration.seconds(0))
                for status in ERRORS
            ],
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
        )
        pin(distribution, "FrontDoor")
        own_domain = self._own_domain(distribution, parameters)
        domain = Fn.condition_if(
            own_domain.logical_id, parameters.api_domain, distribution.distribution_domain_name
        )
        self.url = f"https://{domain.to_string()}"
        acknowledge(
            distribution,
            {
                "CFR1": "Calls know no borders; whose do may restrict them at their distribution.",
                "CFR2": "Both APIs limit requests, and every request carries a signed token.",
                "CFR3": "The APIs log every request, without its query, which CloudFront logs.",
                "CFR4": "CloudFront's own domain takes TLS 1.0 from whoever insists and cannot be "
                "told otherwise; with the parameter ApiDomain it is TLS 1.2 at least.",
            },
        )

    def _rewriting(self) -> list[cloudfront.FunctionAssociation]:
        rewrite = cloudfront.Function(
            self,
            "ConnectPath",
            code=cloudfront.FunctionCode.from_inline(REWRITE),
            runtime=cloudfront.FunctionRuntime.JS_2_0,
            comment=f"{CONNECT_PATH} to the path of the stage",
        )
        pin(rewrite, "ConnectPath")
        return [
            cloudfront.FunctionAssociation(
                function=rewrite, event_type=cloudfront.FunctionEventType.VIEWER_REQUEST
            )
        ]

    def _own_domain(
        self, distribution: cloudfront.Distribution, parameters: Parameters
    ) -> CfnCondition:
        """Let the distribution answer for the operator's own domain, if there is one."""
        given = CfnCondition(
            self,
            "HasApiDomain",
            expression=Fn.condition_not(Fn.condition_equals(parameters.api_domain, "")),
        )
        given.override_logical_id("HasApiDomain")
        certificate = {
            "AcmCertificateArn": parameters.api_certificate_arn,
            "MinimumProtocolVersion": "TLSv1.2_2021",
            "SslSupportMethod": "sni-only",
        }
        deployed = cast(cloudfront.CfnDistribution, distribution.node.default_child)
        for path, value in {
            "DistributionConfig.Aliases": [parameters.api_domain],
            "DistributionConfig.ViewerCertificate": certificate,
        }.items():
            chosen = {"Fn::If": [given.logical_id, value, {"Ref": "AWS::NoValue"}]}
            deployed.add_property_override(path, chosen)
        return given


def _behavior(
    endpoint: str, rewriting: list[cloudfront.FunctionAssociation] | None = None
) -> cloudfront.BehaviorOptions:
    """Everything of a request but its host goes to the API, and nothing of an answer is kept."""
    host = Fn.select(2, Fn.split("/", endpoint))  # of `https://host`
    return cloudfront.BehaviorOptions(
        origin=origins.HttpOrigin(
            host,
            protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
            origin_ssl_protocols=[cloudfront.OriginSslPolicy.TLS_V1_2],
        ),
        allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
        cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
        origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
        viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
        compress=False,
        function_associations=rewriting,
    )
