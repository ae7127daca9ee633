"""Notifications: what became of their gifts, told to the accounts that gave them."""

from financial_live.contexts.notifications.models import Notification, NotificationKind
from financial_live.contexts.notifications.service import list_notifications, notify

__all__ = ["Notification", "NotificationKind", "list_notifications", "notify"]
