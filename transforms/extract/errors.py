"""Why a page gives no article."""

from schemas.records import RejectReason


class NoArticle(Exception):
    """The page holds no article that can be used; `reason` says why, `detail` what was seen."""

    def __init__(self, reason: RejectReason, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}")

    def __reduce__(self) -> tuple[type, tuple[RejectReason, str]]:
        return type(self), (self.reason, self.detail)
