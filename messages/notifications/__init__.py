"""People told of incidents: by e-mail, in Slack, or by a signed webhook.

An incident's turn leaves a Notification for each channel that wants it, in the transaction that
opens or resolves it; `notify` sends what waits: the first at once, then at most one digest in a
channel's pause. At least once: a channel is told twice where a worker died between the sending and
our noting it, and both times bear the same id.
"""
