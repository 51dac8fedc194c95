"""The two buckets: what was captured, and the files made of it."""

from __future__ import annotations

from typing import cast

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.findings import acknowledge
from infra.logical_ids import pin
from isotrack.recording.keys import MANIFEST_NAME

RAW_PREFIX = "raw/"
RECORDINGS_PREFIX = "recordings/"
RAW_RETENTION = Duration.days(30)  # longer than the 14 days in which an execution can be redriven
# Written once, by the agent or by the watchdog, whoever is first; the other is told so by S3.
CREATE_ONLY_KEYS = (f"{RAW_PREFIX}*.rtpdump", f"{RAW_PREFIX}*/{MANIFEST_NAME}")


class Storage(Construct):
    """The raw bucket, append-only, and the bucket of recording files."""

    def __init__(
        self, scope: Construct, construct_id: str, *, recordings_retention: Duration
    ) -> None:
        super().__init__(scope, construct_id)
        self.raw = self._bucket("RawBucket", RAW_PREFIX, RAW_RETENTION)
        self._forbid_overwrites()
        self.recordings = self._bucket("RecordingsBucket", RECORDINGS_PREFIX, recordings_retention)
        self.recordings_retention = recordings_retention
        keys = "Keys are made of the ids of calls and participants, which nobody knows beforehand."
        acknowledge(
            Stack.of(self),
            {
                f"IAM5[Resource::<RawBucket.Arn>/{RAW_PREFIX}*]": keys,
                f"IAM5[Resource::<RecordingsBucket.Arn>/{RECORDINGS_PREFIX}*]": keys,
            },
        )

    def _bucket(self, logical_id: str, prefix: str, retention: Duration) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            logical_id,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            removal_policy=RemovalPolicy.RETAIN,
            lifecycle_rules=[
                s3.LifecycleRule(id="Expire", prefix=prefix, expiration=retention),
                s3.LifecycleRule(
                    id="AbortUploads", abort_incomplete_multipart_upload_after=Duration.days(1)
                ),
            ],
        )
        pin(bucket, logical_id)
        acknowledge(
            bucket,
            {
                "S1": "Whoever has to audit turns on CloudTrail data events, which are complete; "
                "access logs are not, and cost a line for each chunk."
            },
        )
        return bucket

    def _forbid_overwrites(self) -> None:
        self.raw.add_to_resource_policy(
            iam.PolicyStatement(
                sid="CreateOnly",
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["s3:PutObject"],
                resources=[self.raw.arn_for_objects(key) for key in CREATE_ONLY_KEYS],
                conditions={
                    "Null": {"s3:if-none-match": "true"},
                    # Parts of a multipart upload carry no If-None-Match; its completion does.
                    "Bool": {"s3:ObjectCreationOperation": "true"},
                },
            )
        )

    def notify_manifests(self, queue: sqs.Queue) -> None:
        """Send a message to the queue for each manifest written, and for nothing else.

        Set on the bucket itself: the L2 method would add a Lambda that sets it afterwards.
        """
        allowed = queue.add_to_resource_policy(
            iam.PolicyStatement(
                sid="NotificationsOfOurBuckets",
                principals=[iam.ServicePrincipal("s3.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[queue.queue_arn],
                # Naming the bucket here would make queue policy and bucket wait for each other.
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            )
        )
        rules = [
            s3.CfnBucket.FilterRuleProperty(name="prefix", value=RAW_PREFIX),
            s3.CfnBucket.FilterRuleProperty(name="suffix", value=f"/{MANIFEST_NAME}"),
        ]
        bucket = cast(s3.CfnBucket, self.raw.node.default_child)
        bucket.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            queue_configurations=[
                s3.CfnBucket.QueueConfigurationProperty(
                    event="s3:ObjectCreated:*",
                    queue=queue.queue_arn,
                    filter=s3.CfnBucket.NotificationFilterProperty(
                        s3_key=s3.CfnBucket.S3KeyFilterProperty(rules=rules)
                    ),
                )
            ]
        )
        if allowed.policy_dependable is not None:  # S3 checks at creation that it may send
            bucket.node.add_dependency(allowed.policy_dependable)

    def grant_read_raw(self, grantee: iam.IGrantable) -> None:
        """Allow to read what was captured.

        Listing is part of it: without it S3 answers 403 instead of 404 for a chunk that is
        missing, and a hole in a recording would look like a lack of permission.
        """
        _allow(grantee, ["s3:GetObject"], self.raw.arn_for_objects(f"{RAW_PREFIX}*"))
        _allow(grantee, ["s3:ListBucket"], self.raw.bucket_arn)

    def grant_capture(self, grantee: iam.IGrantable) -> None:
        """Allow to add to what was captured, and to compare where a key is taken already."""
        _allow(
            grantee, ["s3:PutObject", "s3:GetObject"], self.raw.arn_for_objects(f"{RAW_PREFIX}*")
        )

    def grant_write_recordings(self, grantee: iam.IGrantable) -> None:
        """Allow to write recording files, over what an earlier attempt left, and to give up."""
        _allow(
            grantee,
            ["s3:PutObject", "s3:AbortMultipartUpload"],
            self.recordings.arn_for_objects(f"{RECORDINGS_PREFIX}*"),
        )

    def grant_delete_recordings(self, grantee: iam.IGrantable) -> None:
        """Allow to remove recording files."""
        _allow(
            grantee, ["s3:DeleteObject"], self.recordings.arn_for_objects(f"{RECORDINGS_PREFIX}*")
        )

    def grant_read_recordings(self, grantee: iam.IGrantable) -> None:
        """Allow to read recording files, and so to sign links to them."""
        _allow(grantee, ["s3:GetObject"], self.recordings.arn_for_objects(f"{RECORDINGS_PREFIX}*"))


def _allow(grantee: iam.IGrantable, actions: list[str], resource: str) -> None:
    iam.Grant.add_to_principal(grantee=grantee, actions=actions, resource_arns=[resource])
