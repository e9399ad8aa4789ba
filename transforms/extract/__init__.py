"""Extract: the article a fetched page holds, with what the page and its feed say about it.

The page is parsed once, cut into blocks of text (`segment`), each block described by structure (`features`) and weighed
by small boosted trees (`model`); on pages where these are unsure, trafilatura's choice is weighed in (`body`). Title,
authors and dates are settled by agreement among what the page declares and shows.
"""

from transforms.extract.article import Extracted, FeedEvidence, extract
from transforms.extract.errors import NoArticle
from transforms.extract.stage import Extract

__all__ = ["Extract", "Extracted", "FeedEvidence", "NoArticle", "extract"]
