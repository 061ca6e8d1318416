"""How large the body of a request may be. Checked before any of it is read, for every page."""

import re
from typing import Any, Final

from .early_responses import LENGTH_REQUIRED, TOO_LARGE

# In bytes. Django holds up to so much of a form in memory.
MAX_BODY: Final = 1024 * 1024
# A file of instances may have 2 MiB; the rest is for the form around it.
MAX_UPLOAD: Final = 2 * 1024 * 1024 + 64 * 1024
_UPLOADS: Final = re.compile(r"/(instances/import|labels)/")


def refusal(environ: dict[str, Any]) -> str | None:
    """The status of the refusal; None where the body may be read.

    Without Content-Length Django reads no body at all, so such a request would look like an empty
    form.
    """
    declared = environ.get("CONTENT_LENGTH", "").strip()
    if not declared:
        is_chunked = "HTTP_TRANSFER_ENCODING" in environ
        return LENGTH_REQUIRED if is_chunked else None
    # Digits are counted first: Python refuses to read a number of some thousands of them.
    if not (declared.isascii() and declared.isdigit()) or len(declared) > 20:
        return TOO_LARGE
    limit = MAX_UPLOAD if _UPLOADS.fullmatch(environ.get("PATH_INFO", "")) else MAX_BODY
    return TOO_LARGE if int(declared) > limit else None
