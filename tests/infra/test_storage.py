from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import pytest

from isotrack.recording import keys
from isotrack.recording.tracks import Call
from tests.infra.reading import Statement, properties, resource_policy, text

BUCKETS = ("RawBucket", "RecordingsBucket")
SESSION = keys.session_prefix(Call(call_type="default", call_id="standup"), "e1", "u1")


def _policy(template: Mapping[str, Any], bucket: str) -> list[Statement]:
    return resource_policy(template, "AWS::S3::BucketPolicy", "Bucket", bucket)


def _expirations(template: Mapping[str, Any], bucket: str) -> dict[str, int]:
    rules = properties(template, bucket)["LifecycleConfiguration"]["Rules"]
    return {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "Prefix" in rule}


@pytest.mark.parametrize("bucket", BUCKETS)
def test_a_bucket_is_private_encrypted_and_its_owner_owns_what_is_in_it(
    template: Mapping[str, Any], bucket: str
) -> None:
    wanted = properties(template, bucket)
    assert all(wanted["PublicAccessBlockConfiguration"].values())
    assert len(wanted["PublicAccessBlockConfiguration"]) == 4
    assert wanted["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    [rule] = wanted["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


@pytest.mark.parametrize("bucket", BUCKETS)
def test_a_bucket_speaks_tls_only(template: Mapping[str, Any], bucket: str) -> None:
    arn = f"${{{bucket}.Arn}}"
    assert any(
        statement.effect == "Deny"
        and statement.actions == {"s3:*"}
        and statement.resources == {arn, f"{arn}/*"}
        and statement.conditions == {"Bool": {"aws:SecureTransport": "false"}}
        for statement in _policy(template, bucket)
    )


@pytest.mark.parametrize("bucket", BUCKETS)
def test_nobody_outside_the_account_is_let_into_a_bucket(
    template: Mapping[str, Any], bucket: str
) -> None:
    assert {statement.effect for statement in _policy(template, bucket)} == {"Deny"}


@pytest.mark.parametrize("bucket", BUCKETS)
def test_a_bucket_outlives_its_stack(template: Mapping[str, Any], bucket: str) -> None:
    assert template["Resources"][bucket]["DeletionPolicy"] == "Retain"


@pytest.mark.parametrize("bucket", BUCKETS)
def test_uploads_left_unfinished_go_after_a_day(template: Mapping[str, Any], bucket: str) -> None:
    rules = properties(template, bucket)["LifecycleConfiguration"]["Rules"]
    [aborted] = [rule for rule in rules if "AbortIncompleteMultipartUpload" in rule]
    assert aborted["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert aborted["Status"] == "Enabled"


def test_raw_recordings_are_kept_longer_than_an_execution_can_be_redriven(
    template: Mapping[str, Any],
) -> None:
    redrive_days = 14  # Step Functions
    assert _expirations(template, "RawBucket") == {"raw/": 30}
    assert redrive_days < 30


def test_recording_files_are_kept_for_two_weeks(template: Mapping[str, Any]) -> None:
    assert _expirations(template, "RecordingsBucket") == {"recordings/": 14}


def test_only_manifests_are_told_of(template: Mapping[str, Any]) -> None:
    notifications = properties(template, "RawBucket")["NotificationConfiguration"]
    [wanted] = notifications.pop("QueueConfigurations")
    assert notifications == {}
    assert wanted["Event"] == "s3:ObjectCreated:*"
    assert text(wanted["Queue"]) == "${ManifestQueue.Arn}"
    rules = {rule["Name"]: rule["Value"] for rule in wanted["Filter"]["S3Key"]["Rules"]}
    assert set(rules) == {"prefix", "suffix"}

    def told(key: str) -> bool:
        return key.startswith(rules["prefix"]) and key.endswith(rules["suffix"])

    assert told(keys.manifest(SESSION))
    assert not told(keys.chunk(SESSION, "t1", 0))
    assert not told(keys.track_json(SESSION, "t1"))
    # A track of that name is its folder, and an id with a slash in it stays one segment.
    assert not told(keys.track_json(SESSION, "manifest.json"))
    assert not told(keys.chunk(SESSION, "x/manifest.json", 0))


def test_the_queue_takes_notifications_of_our_account_before_the_bucket_is_made(
    template: Mapping[str, Any],
) -> None:
    [allowed] = [
        statement
        for statement in resource_policy(
            template, "AWS::SQS::QueuePolicy", "Queues", "ManifestQueue"
        )
        if statement.effect == "Allow"
    ]
    assert allowed.principal == {"Service": "s3.amazonaws.com"}
    assert allowed.actions == {"sqs:SendMessage"}
    assert allowed.conditions == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    [dependency] = template["Resources"]["RawBucket"]["DependsOn"]
    assert properties(template, dependency)["Queues"] == [{"Ref": "ManifestQueue"}]


def test_no_other_function_than_ours_sets_the_notification(template: Mapping[str, Any]) -> None:
    kinds = {resource["Type"] for resource in template["Resources"].values()}
    assert not any(kind.startswith("Custom::") for kind in kinds)


def test_chunks_and_manifests_can_only_be_created(template: Mapping[str, Any]) -> None:
    [create_only] = [
        statement
        for statement in _policy(template, "RawBucket")
        if statement.actions == {"s3:PutObject"}
    ]
    assert create_only.effect == "Deny"
    assert create_only.conditions == {
        "Null": {"s3:if-none-match": "true"},
        "Bool": {"s3:ObjectCreationOperation": "true"},
    }
    assert create_only.resources == {
        "${RawBucket.Arn}/raw/*.rtpdump",
        "${RawBucket.Arn}/raw/*/manifest.json",
    }

    def guarded(key: str) -> bool:
        arn = f"${{RawBucket.Arn}}/{key}"
        return any(fnmatchcase(arn, resource) for resource in create_only.resources)

    assert guarded(keys.chunk(SESSION, "t1", 0))
    assert guarded(keys.manifest(SESSION))
    assert not guarded(keys.track_json(SESSION, "t1"))  # written again as the track changes


def test_what_is_allowed_and_expires_by_prefix_is_where_the_keys_are(
    template: Mapping[str, Any],
) -> None:
    call = Call(call_type="default", call_id="standup")
    assert SESSION.startswith(tuple(_expirations(template, "RawBucket")))
    assert keys.recording_file(call, "e1", "u1", "a.mkv").startswith(
        tuple(_expirations(template, "RecordingsBucket"))
    )
