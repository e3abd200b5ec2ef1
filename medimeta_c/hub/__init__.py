"""Publish a built benchmark to a dataset repository on the Hugging Face Hub."""

from medimeta_c.hub.push import push
from medimeta_c.hub.request import PushConfig, PushReport

__all__ = ["PushConfig", "PushReport", "push"]
