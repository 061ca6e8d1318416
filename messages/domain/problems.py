"""Every problem that is stored, as a code. Its text is translated for each reader."""

from django.utils.translation import gettext_lazy as _

from .causes import SentenceCode


class Problem(SentenceCode):
    """Each {} of a label is one of the values.

    `permanent`: the same call fails in the same way until a person changes something.
    """

    permanent: bool

    def __new__(cls, code: str, permanent: bool = False) -> "Problem":
        problem = str.__new__(cls, code)
        problem._value_ = code
        problem.permanent = permanent
        return problem

    # Calls to Z-API
    ZAPI_NOT_APPLIED = (
        "zapi not applied",
        _(
            "Z-API received the call but did not apply it. Push again. If that does not help, set "
            "the URL in Z-API’s panel."
        ),
    )
    UNKNOWN_CALL = (
        *("unknown call", True),
        _(
            "Z-API does not know this call. Check that ZAPI_BASE_URL is Z-API’s address. If it is, "
            "Z-API has changed: set the URL in Z-API’s panel."
        ),
    )
    SUBSCRIPTION_ENDED = (
        *("subscription ended", True),
        _(
            "This instance’s subscription has ended, so Z-API sends nothing. Renew it in Z-API’s "
            "panel."
        ),
    )
    CLIENT_TOKEN_MISSING = (
        *("client token missing", True),
        _(
            "Z-API requires a Client-Token. Copy the account security token from Z-API’s panel "
            "(Security) into the Client-Token field and push again. Z-API gives the same answer "
            "when a trial has expired."
        ),
    )
    CLIENT_TOKEN_WRONG = (
        *("client token wrong", True),
        _(
            "Z-API refused the Client-Token. Copy the account security token from Z-API’s panel "
            "(Security) again. It belongs to the account, not to the instance."
        ),
    )
    IP_REFUSED = (
        *("ip refused", True),
        _(
            "Z-API refuses calls from this server’s IP address. Allow it in Z-API’s panel "
            "(Security), or set the URL there."
        ),
    )
    CALL_REFUSED = (
        *("call refused", True),
        _(
            "Z-API refused the method or the content type of the call. A proxy may have changed "
            "it: check the proxy and ZAPI_BASE_URL."
        ),
    )
    WRONG_CREDENTIALS = (
        *("wrong credentials", True),
        _(
            "Z-API does not know this instance id and token. Copy both again from the instance’s "
            "page in Z-API’s panel."
        ),
    )
    WRONG_PARTNER_TOKEN = (
        *("wrong partner token", True),
        _("Z-API does not know this partner token. Copy it again."),
    )
    TOO_MANY_CALLS = (
        "too many calls",
        _("Z-API asks for fewer calls. Wait a few minutes and push again."),
    )
    ZAPI_FAULT = "zapi fault", _("Z-API has an internal error. Try again later.")
    ZAPI_TOO_SLOW = (
        "zapi too slow",
        _("Z-API did not answer in time. Try again. If that does not help, check the network."),
    )
    ZAPI_UNREACHABLE = (
        "zapi unreachable",
        _(
            "Z-API cannot be reached: the connection was refused or the host name was not found. "
            "Check this server’s network, its firewall and ZAPI_BASE_URL."
        ),
    )
    ZAPI_NOT_TRUSTED = (
        "zapi not trusted",
        _(
            "Z-API’s certificate is not trusted. Check this server’s clock and ZAPI_BASE_URL. If "
            "you use your own certificate authority, set ZAPI_CA_FILE."
        ),
    )
    ZAPI_REDIRECTS = (
        "zapi redirects",
        _(
            "Z-API redirected the call. Redirects are not followed, because the URL contains the "
            "token. Check that ZAPI_BASE_URL is Z-API’s address and begins with https://."
        ),
    )
    ZAPI_NOT_JSON = (
        "zapi not json",
        _(
            "Z-API answered with a web page instead of JSON. It may be under maintenance, or a "
            "proxy answered. Try again later, and check the proxy."
        ),
    )
    ZAPI_TOO_LONG = (
        "zapi too long",
        _("The answer was too long to be from Z-API. Check ZAPI_BASE_URL and the proxy."),
    )
    ZAPI_UNEXPECTED = (
        "zapi unexpected",
        _(
            "Z-API gave an undocumented answer. Try again. If that does not help, set the URL in "
            "Z-API’s panel."
        ),
    )
    ZAPI_IMPOSSIBLE = (
        "zapi impossible",
        _(
            "The call to Z-API could not be made. Check ZAPI_BASE_URL, ZAPI_CA_FILE and the "
            "tokens: they must not contain spaces or line breaks."
        ),
    )
    # The instance and its webhook URLs at Z-API
    PUBLIC_URL_MISSING = (
        *("public url missing", True),
        _(
            "Pushing is off: Statusboard does not know its public URL. Set "
            "PUBLIC_BASE_URL=https://your-server in the environment or in .env and restart."
        ),
    )
    PUBLIC_URL_NOT_HTTPS = (
        *("public url not https", True),
        _(
            "Pushing is off: PUBLIC_BASE_URL must begin with https://, because Z-API only "
            "calls https URLs. Set PUBLIC_BASE_URL=https://your-server in the environment "
            "or in .env and restart."
        ),
    )
    URL_TAKEN = (
        *("url taken", True),
        _(
            "Used by another system: Z-API calls its URL, so no callbacks arrive here. Choose what "
            "to do on the instance’s page."
        ),
    )
    URL_OUTDATED = "url outdated", True, _("Z-API calls an old URL of Statusboard. Push again.")
    URL_MISSING = (
        *("url missing", True),
        _("Z-API has no URL to call, so no callbacks arrive. Push again."),
    )
    URL_NOT_REPORTED = (
        "url not reported",
        _("Z-API does not report which URL it calls, so the push could not be checked."),
    )
    URL_NOT_KEPT = (
        "url not kept",
        _(
            "Z-API accepted the URL but still reports another one. Another system may have set it. "
            "Push again, or set the URL in Z-API’s panel."
        ),
    )
    URL_NOT_RESTORED = (
        "url not restored",
        _("Z-API accepted the URL but still reports another one. Set it in Z-API’s panel."),
    )
    OTHERS_NOT_RESTORED = (
        "others not restored",
        _(
            "Z-API still does not call the previous URL for: {}. Set it in Z-API’s panel. It is "
            "shown below until then."
        ),
    )
    URL_TOO_LONG = (
        *("url too long", True),
        _(
            "Z-API calls a URL that is too long to be restored later. Therefore nothing was "
            "replaced."
        ),
    )
    NOT_LISTED = (
        *("not listed", True),
        _(
            "Z-API’s list does not contain this instance. It was deleted there, or belongs to "
            "another account."
        ),
    )
    UNUSABLE_ID = (
        *("unusable id", True),
        _(
            "The stored instance id is a URL with a token. Delete this instance and connect it "
            "again."
        ),
    )
    SECRET_UNREADABLE = (
        *("secret unreadable", True),
        _(
            "A stored secret cannot be decrypted. Restore its key in FIELD_ENCRYPTION_KEYS, or "
            "enter the secret again."
        ),
    )
    # Names, ids and tokens, as people enter them
    NOT_AN_ID = (
        "not an id",
        _(
            "An instance id has only letters and digits, without spaces, e.g. "
            "3C0D1E2F3A4B5C6D7E8F9A0B1C2D3E4F. Copy it from the instance’s page in Z-API’s panel."
        ),
    )
    ROUNDED_ID = (
        "rounded id",
        _(
            "A spreadsheet turned this id into a number. Format the column as text, and enter the "
            "id again."
        ),
    )
    NOT_A_SECRET = (
        "not a secret",
        _(
            "Use only letters, digits and symbols, without spaces, line breaks or accents. Copy it "
            "again."
        ),
    )
    URL_AS_SECRET = "url as secret", _("This is a URL. Enter only the token.")
    CLIENT_TOKEN_HERE = (
        "client token here",
        _("This is a Client-Token. Enter it in the Client-Token field."),
    )
    TOKEN_HERE = "token here", _("This is an instance token. Enter it in the Token field.")
    ID_HERE = "id here", _("This is an instance id, not a token.")
    OTHER_INSTANCE = "other instance", _("The URL contains another instance id.")
    OTHER_TOKEN = "other token", _("The URL contains another token.")
    TOO_LONG = "too long", _("This is too long.")
    LONG_NAME = "long name", _("The name can have at most 100 characters.")
    ODD_NAME = "odd name", _("The name must be one line without invisible characters.")
    SECRET_IN_NAME = (
        "secret in name",
        _("The name must not contain a token: everyone can read it."),
    )
    # Rows of an import, and of other jobs for many instances
    ROW_INCOMPLETE = (
        "row incomplete",
        _("A new instance needs a name, an instance id and a token."),
    )
    ID_MISSING = "id missing", _("The instance id is missing.")
    ID_TWICE = "id twice", _("An earlier row has the same instance id.")
    ID_OF_OTHERS = (
        "id of others",
        _("An instance with this id exists, and you may not change it."),
    )
    ID_ARCHIVED = "id archived", _("An archived instance has this id. Restore it instead.")
    ID_ADDED = "id added", _("An instance with this id was added meanwhile.")
    INSTANCE_ARCHIVED = "instance archived", _("The instance was archived meanwhile.")
    NOT_STORABLE = "not storable", _("The name, the instance id or a token is not valid.")
    CANCELLED = "cancelled", _("Cancelled before it started.")
    INTERNAL_ERROR = "internal error", _("An internal error occurred. See the log.")
    # Receivers of callbacks and of notifications. The first five are messages.net.Failure's.
    UNSAFE = "unsafe", _("The receiver’s URL points to a private network.")
    UNREACHABLE = "unreachable", _("The receiver cannot be reached.")
    NOT_TRUSTED = "not trusted", _("The receiver’s certificate is not trusted.")
    TOO_SLOW = "too slow", _("The receiver did not answer in time.")
    IMPOSSIBLE = "impossible", _("The request could not be sent.")
    REDIRECTS = "redirects", _("The receiver’s URL has changed. Enter the new one.")
    FORBIDS = "forbids", _("The receiver refused access.")
    NOT_THERE = "not there", _("The receiver’s URL was not found. Check it.")
    TOO_MANY = "too many", _("The receiver asks for fewer requests.")
    FAULT = "fault", _("The receiver returned an error.")
    REFUSES = "refuses", _("The receiver rejected this callback.")
    NO_TOKEN = "no token", _("The instance’s token cannot be decrypted. Enter it again.")
    NO_MAIL_SERVER = (
        "no mail server",
        _(
            "E-mail is not configured: messages only go to the server’s log. Set EMAIL_URL and "
            "restart."
        ),
    )
    MAIL_FAILED = (
        "mail failed",
        _("The mail server is unreachable or refused the e-mail. Check EMAIL_URL."),
    )
    CHANNEL_UNREADABLE = (
        "channel unreadable",
        _("The channel’s destination or secret cannot be decrypted. Enter it again."),
    )
    # Free text that an earlier version stored
    OTHER = "other", "{}"


def is_permanent(code: str) -> bool:
    """Whether a stored problem stays until a person changes something."""
    return code in Problem.values and Problem(code).permanent


class ProblemError(Exception):
    """An error with a Problem. str() returns its text in the active language."""

    def __init__(self, problem: Problem, *values: str) -> None:
        super().__init__(problem, *values)
        self.problem = problem
        self.values = values

    def __str__(self) -> str:
        return Problem.text(self.problem, self.values)
