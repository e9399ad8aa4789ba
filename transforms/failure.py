"""What can go wrong with one request, in the closed set of reject reasons."""

from typing import Final, Optional

from schemas.records import RejectReason

MAX_DETAIL: Final = 500


class FetchFailed(Exception):
    """A request that gave nothing usable.

    Attributes:
        reason: why, for the reject.
        detail: for people; at most 500 characters.
        transient: True where another try may succeed.
        later: True where that try is for a later run, not for this one.
        retry_after_s: seconds the server asked us to wait, None where it did not say.
        status: HTTP status, 0 where none came.
    """

    def __init__(
        self,
        reason: RejectReason,
        detail: str,
        *,
        transient: bool = False,
        later: bool = False,
        retry_after_s: Optional[float] = None,
        status: int = 0,
    ) -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason
        self.detail = detail[:MAX_DETAIL]
        self.transient = transient
        self.later = later
        self.retry_after_s = retry_after_s
        self.status = status
