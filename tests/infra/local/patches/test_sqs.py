from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest


@pytest.fixture
def queue(stack):
    sqs = stack.client("sqs")
    url = sqs.create_queue(QueueName="concurrent", Attributes={"VisibilityTimeout": "60"})
    yield url["QueueUrl"]
    sqs.delete_queue(QueueUrl=url["QueueUrl"])


def test_no_message_is_lost_or_received_twice_while_others_send_and_delete(stack, queue):
    sqs, count = stack.client("sqs"), 120

    def send(number: int) -> None:
        sqs.send_message(QueueUrl=queue, MessageBody=str(number))

    def receive(_: int) -> list[str]:
        bodies = []
        while messages := sqs.receive_message(
            QueueUrl=queue, MaxNumberOfMessages=3, WaitTimeSeconds=1
        ).get("Messages"):
            for message in messages:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                bodies.append(message["Body"])
        return bodies

    with ThreadPoolExecutor(8) as pool:
        receivers = [pool.submit(receive, number) for number in range(4)]
        list(pool.map(send, range(count)))
        received = [body for receiver in receivers for body in receiver.result()]
    received += receive(0)
    assert sorted(received, key=int) == [str(number) for number in range(count)]


def test_a_long_poll_ends_when_a_message_comes(stack, queue):
    sqs = stack.client("sqs")
    with ThreadPoolExecutor(1) as pool:
        poll = pool.submit(sqs.receive_message, QueueUrl=queue, WaitTimeSeconds=20)
        sqs.send_message(QueueUrl=queue, MessageBody="hello")
        assert [each["Body"] for each in poll.result()["Messages"]] == ["hello"]


def test_a_message_made_visible_again_is_received_again(stack, queue):
    sqs = stack.client("sqs")
    sqs.send_message(QueueUrl=queue, MessageBody="again")
    (first,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    sqs.change_message_visibility(
        QueueUrl=queue, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0
    )
    (second,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=2)["Messages"]
    assert second["MessageId"] == first["MessageId"]
