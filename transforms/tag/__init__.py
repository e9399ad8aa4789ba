"""Tag: find the gazetteer's entities in each article.

normalize   fold a text, keeping the way back to its offsets
variants    other spellings of a name
names       what a stretch of text may be: case and language
compile     a gazetteer into one automaton
match       the names that stand in a text
disambiguate  which of them are meant
document    what they say of the article
events      the words that tell of an attack, an arrest, a ceasefire
transform   the stage
"""

from transforms.tag.compile import Compiled, compile_gazetteer
from transforms.tag.transform import Tag, tag, tag_article

__all__ = ["Compiled", "Tag", "compile_gazetteer", "tag", "tag_article"]
