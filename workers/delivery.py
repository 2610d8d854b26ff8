"""A message in a worker's hands: its place is free once the work is done, whether or not Redis hears of it.

A worker takes as many messages as it has threads, and the next when one is acknowledged. kombu gives the place
back only after Redis has answered; when that answer is lost, Celery logs an error and goes on. So one lost answer,
while the connection that waits for messages lives on, left a worker of one thread without a place for what it waits
for: it took nothing any more until it was started again. Redis delivers such a message once more after the
visibility timeout, where it is one more wake-up.
"""

from typing import Any

from celery import Task, current_task
from celery.worker.request import Request
from kombu.transport.virtual.base import QoS
from typing_extensions import override


class Delivery(Request):
    """One message that is being worked on."""

    @override
    def acknowledge(self) -> None:
        self._free_place()
        super().acknowledge()

    @override
    def reject(self, requeue: bool = False) -> None:
        self._free_place()
        super().reject(requeue)

    def _free_place(self) -> None:
        message: Any = self.message
        QoS.ack(message.channel.qos, message.delivery_tag)  # in this process alone; Redis is told by Celery


class Woken(Task):  # pyright: ignore[reportMissingTypeArgument] - only the stubs are generic
    """The base of our tasks."""

    abstract = True
    Request = "workers.delivery:Delivery"


def traceparent_of_message() -> str | None:
    """The span that sent the message which is being worked on, if its sender keeps spans."""
    task: Any = current_task
    return task.request.get("traceparent")
