"""Notifies people about incidents by e-mail, Slack or signed webhook.

Opening, merging or resolving an incident creates a Notification for each channel that wants it, in
the same transaction. `notify` sends the waiting ones. The first is sent at once. After that the
channel gets at most one digest per `Channel.pause` minutes. Delivery is at least once: if a worker
dies after sending but before recording it, the same digest is sent again with the same id.
"""
