"""What class names and short lines say about a part of a page.

Words of the craft (HTML, content management systems, schema.org, any newsroom), never of one outlet. Both tables feed
the block weights as evidence; neither decides by itself.
"""

import re
from functools import lru_cache
from typing import Final

# Groups named by the words of class, id, role and test-id attributes. A word may speak for two groups.
_CONTAINER_WORDS: Final = {
    "related": "related recommended recommend recommendation recommendations recommends more readmore teaser teasers "
    "trending popular mostread outbrain taboola recirc recirculation suggested similar alsoread upnext latest "
    "headlines explore next previous prev onward readnext relatedposts linklist",
    "share": "share sharing shares social sharebar sharedaddy socials facebook whatsapp follow addtoany addthis "
    "sociallinks bookmark print",
    "signup": "newsletter newsletters subscribe subscription signup optin cta offer membership donate donation "
    "campaign form mailchimp support promo promoted promotion",
    "comment": "comment comments disqus reply respond commentlist feedback discussion kommentar kommentare",
    "ad": "ad ads advert adverts advertisement advertising sponsor sponsored affiliate banner commercial dfp gpt "
    "adslot adsense advertorial adwrap anzeige disclosure disclaimer",
    "bio": "author authors bio byline bylines contributor contributors writer profile vcard authorbox biography avatar",
    "meta": "meta date dateline time timestamp published posted tags tag taglist category categories topics topic "
    "keywords breadcrumb breadcrumbs eyebrow kicker rubric info metadata label labels reading",
    "caption": "caption captions credit credits figure figcaption image images photo photos gallery slideshow media "
    "video player carousel slider thumbnail lightbox swiper podcast audio",
    "consent": "cookie cookies consent gdpr modal popup overlay dialog toast tooltip privacy notification alert "
    "lightbox onetrust didomi usercentrics sourcepoint cookiebot quantcast",
    "nav": "nav menu navigation navbar pagination pager toolbar masthead topbar skip toc sitemap tabs breadcrumb "
    "dropdown search contents toctitle",
    "side": "sidebar aside rail secondary complementary",
    "foot": "footer colophon copyright legal bottom footnote footnotes references",
    "embed": "tweet twitter instagram tiktok oembed embed embedded fbpost",
    "hidden": "hidden visually sr screenreader noprint hide invisible mobile desktop",
    "intro": "lead lede dek standfirst subtitle summary excerpt deck intro subheadline abstract description "
    "subheading subhead teaser headline title header",
    "body": "articlebody article story entry post content body text paragraph main richtext prose wysiwyg markdown "
    "copy",
    "box": "box infobox fact facts factbox callout note pullquote quote highlight highlights takeaways faq card cards "
    "panel accordion product item widget widgets",
    "wall": "paywall piano register login premium regwall subscriber subscribers",
    "live": "live liveblog ticker update updates timeline",
}
GROUPS: Final = tuple(_CONTAINER_WORDS)
BIT: Final = {name: 1 << position for position, name in enumerate(GROUPS)}
# What stands beside an article, never in it, where a container is named so outright. Not weighed: see `features`.
_APART_WORDS: Final = {
    "person": "bio biography authorbio authorbox authorinfo authorcard authorprofile aboutauthor theauthor",
    "appeal": "donate donation donations donor fundraising newsletter newsletters newslettersignup supportus",
    "readers": "comments disqus commentlist respond responses",
    "stream": "liveblog livestream liveupdates livefeed liveticker liveentries",
    "cookies": "onetrust cookiebot usercentrics didomi quantcast",
}
APART: Final = {name: 1 << position for position, name in enumerate(_APART_WORDS, len(GROUPS))}
COOKIES: Final = re.compile(r"cookie|куки|クッキー|쿠키", re.I)  # what notices of consent speak of
BODY_LIKE: Final = BIT["body"] | BIT["intro"]  # groups that speak for the article
FURNITURE: Final = sum(
    BIT[name] for name in ("nav", "share", "comment", "consent", "foot", "related", "signup", "side", "ad", "hidden")
)

# Acts named by the lower-case words of a short line, as single words or pairs; "^" asks for the line to begin so.
_LINE_WORDS: Final = {
    "more": "^read more|^read next|^read also|^also read|^see also|^related|^more|^most read|^most popular|"
    "^recommended|^you may|^you might|^up next|^don t|^watch|^click here|^keep reading|^continue reading|^trending|"
    "^editor s|^top stories|^latest|^lesen sie|^mehr|^auch interessant|^lire|^à lire|^leggi anche|^lee también|"
    "^lee además|^leer más|^te puede|^relacionadas|^leia também|^leia mais|^veja também|^saiba mais|^lees ook|"
    "^læs også|^les også|^läs också|^läs mer|^lue myös|^baca juga|^czytaj też|^czytaj także|^zobacz|^čtěte|^читайте|"
    "^смотрите|^ilgili haber|^關連|^関連記事|^관련기사|you might|also like|click here",
    "signup": "newsletter|newsletters|subscribe|subscriber|subscribers|subscription|sign up|sign in|log in|"
    "free trial|your inbox|your email|email address|abonnieren|abonnez|abonnement|suscríbete|suscribirse|assine|"
    "inscreva|iscriviti|nieuwsbrief|nyhedsbrev|nyhetsbrev|uutiskirje|our app|the app|support us|support our|donate|"
    "donation|privacy policy|terms of|cookie|cookies|premium|unlock|register",
    "share": "^share|^tweet|^follow|^print|^copy|^save|^teilen|^partager|^compartir|^compartilhe|^condividi|^delen|"
    "^del|follow us|facebook|twitter|instagram|telegram|whatsapp|linkedin|tiktok|link copied",
    "rights": "copyright|rights reserved|alle rechte|tous droits|affiliate|commission|sponsored|advertisement|"
    "advertising|anzeige|publicidad|publicité|licence|license|republish|reprint|disclosure|disclaimer",
    "credit": "^photo|^photos|^foto|^fotos|^image|^images|^bild|^picture|^video|^source|^quelle|^credit|^crédit|"
    "^illustration|^graphic|^screenshot|getty|shutterstock|photo by|image credit|photo credit|courtesy of|"
    "photo courtesy|image courtesy|unsplash|pexels|istock|dpa|afp|imago|alamy|file photo",
    "byline": "^by|^von|^par|^por|^di|^door|^af|^av|^written|^posted|^reviewed|^edited|^author|^redaktion|"
    "^published|^updated|^last updated|^last modified|^modified|^aktualisiert|^veröffentlicht|^publié|^publicado|"
    "^actualizado|^pubblicato|min read|minute read|minutes read",
    "bio": "writer|reporter|editor|journalist|correspondent|columnist|contributor|freelance|redakteur|redakteurin|"
    "journalistin|autor|autorin|is a|is an|contributed to|reporting by|editing by|about the author|full bio|"
    "follow him|follow her|reached at",
    "comment": "comment|comments|reply|kommentar|kommentare|commentaire|comentario|comentarios|your thoughts|let us|"
    "feedback|what do you|fehler gefunden|join the",
    "media": "listen|audio|podcast|video|javascript|browser|loading|embed|skip to|jump to|table of|^contents|"
    "takeaways|^in this|^key|swipe|slideshow",
}
ACTS: Final = tuple(_LINE_WORDS)

_MAX_CHARS: Final = 1_000  # of an element's attributes
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def _bits(table: dict[str, str], separator: str) -> dict[str, int]:
    """Word -> the bits of the entries that list it, numbered in their order."""
    out: dict[str, int] = {}
    for position, words in enumerate(table.values()):
        for word in words.split(separator):
            out[word] = out.get(word, 0) | 1 << position
    return out


_WORD_BITS: Final = _bits(_CONTAINER_WORDS | _APART_WORDS, " ")
_LINE_BITS: Final = _bits(_LINE_WORDS, "|")
_PAIR_HEADS: Final = frozenset(words.split()[0] for words in _LINE_BITS if " " in words)


@lru_cache(maxsize=1 << 14)
def groups_named(attributes: str) -> int:
    """Return the groups named by the words of an attribute value, as `BIT`s and bits of `APART`.

    >>> groups_named("l-sidebar RelatedPosts") == BIT["side"] | BIT["related"]
    True
    """
    bits = 0
    words = [word.lower() for word in _CAMEL.findall(attributes[:_MAX_CHARS])]
    for word, after in zip(words, [*words[1:], ""], strict=False):  # no words: no pairs
        bits |= _WORD_BITS.get(word, 0) | _WORD_BITS.get(word + after, 0)
    return bits


def acts_named(words: list[str]) -> int:
    """Return the acts named by a line's lower-case words, as bits in the order of `ACTS`."""
    bits = _LINE_BITS.get("^" + words[0], 0)
    if len(words) > 1:
        bits |= _LINE_BITS.get(f"^{words[0]} {words[1]}", 0)
    for position, word in enumerate(words):
        bits |= _LINE_BITS.get(word, 0)
        if word in _PAIR_HEADS and position + 1 < len(words):
            bits |= _LINE_BITS.get(f"{word} {words[position + 1]}", 0)
    return bits
