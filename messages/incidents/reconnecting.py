"""How to reconnect a disconnected number. It depends on the error that Z-API's /status returns."""

from django.utils.translation import gettext as _


def reconnect_advice(status_error: str, smartphone: bool | None) -> str:
    """Return the advice in the reader's language."""
    sentences = [_remedy(status_error)]
    if smartphone is False:
        sentences.insert(0, _("Check that the phone is on and has an internet connection."))
    return " ".join(sentences)


def _remedy(status_error: str) -> str:
    words = " ".join(status_error.lower().split())
    if "restore the session" in words:
        return _("Restart the instance in Z-API’s panel. No QR code is needed.")
    if "already connected" in words:
        return _(
            "Z-API’s reports contradict each other. Restart the instance in Z-API’s panel, then "
            "verify it here."
        )
    if "not connected" in words:
        return _(
            "Reconnect: open Z-API’s panel and scan the QR code with the phone, or enter the phone "
            "code in WhatsApp."
        )
    return _(
        "Restart the instance in Z-API’s panel. If that does not help, scan the QR code there with "
        "the phone, or enter the phone code in WhatsApp."
    )
