from messages.zapi import errors

from .sync import source
from .verify import NOT_LISTED


def is_permanent(problem: str) -> bool:
    """Whether a problem, as stored, stays until a person does something about it."""
    known = [one for one in vars(errors).values() if isinstance(one, errors.Problem)]
    return problem in {source(one.message) for one in [*known, NOT_LISTED] if one.permanent}
