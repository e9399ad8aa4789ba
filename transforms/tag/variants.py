"""Other spellings of a folded name: transliterations, articles, compounds and declensions.

Tables first: they are what grows. A group lists spellings of one word that take each other's place in any name.
"""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from transforms.tag.declension import declined

MOST: Final = 160  # spellings of one name; past it the rarer combinations are left out

_GROUPS: Final = """
hezbollah hizbollah hizballah hezballah hizbullah hezbullah hizbolla hezbolla hizbulla
kataib kataeb katib katayib kitaib ketaib kitaeb
asaib asaeb asayib isaib esaib
harakat harakah haraka harekat
nujaba nojaba nujabaa nujabah
hashd hashed haschd hachd
shaabi shabi shaaby chaabi schaabi
saraya seraya
liwa lewaa liwaa
jaysh jaish jeish jaich
ansar anssar
quds qods kuds ghods
qaeda qaida qaeeda kaida
houthi huthi houti huti
houthis huthis houtis hutis
shuhada shuhadaa shohada chouhada
sayyid sayyed sayed seyyed sayid sayyad seyed
sheikh shaykh sheik scheich cheikh shaikh
qasem qassem qasim qassim kassem ghasem kasem ghassem kasim
soleimani suleimani solaimani sulaimani soleymani suleymani soleimany
mohammed muhammad mohammad mohamed muhammed mohamad muhamad mohamud
hussein husain hussain husayn hossein hosein hussien houssein
muhandis mohandis mohandes muhandes
khazali khazaali khazzali
kaabi kabi kaaby
nasrallah nasralla nasrollah
haniyeh haniya haniyah hanija haniyya
sinwar sinuar senwar
ahmed ahmad achmed ahmet
sharaa scharaa shara charaa
jolani julani golani jawlani joulani jaulani dschaulani jowlani
yahya yehya yahia jahia
bashar baschar bachar
sadr sader
muqtada moqtada muktada moktada
khamenei khamenai khameini chamenei
zarqawi sarkawi zarkawi
deir dayr der dair
zor zour zawr zur
ain ayn ein ayin
asad assad asaad
raqqa raqqah rakka
abdul abdel abd abdal abdol
abdullah abdallah abdollah abdulla
abdulaziz abdelaziz abdul aziz
organization organisation
organizations organisations
mobilization mobilisation
defense defence
center centre
yunis younis younes yunes
mughniyeh mughniyah mugniyah mughniya
basra basrah
ghouta ghuta
sweida suwayda sweidah suweida sueida suwaida
revolutionary revolution
khalid khaled chalid
khalil khaleel chalil
ibrahim ebrahim ibraheem
ismail esmail ismael esmaeil ismaeel
jafar jaafar djafar jaffar
karim kareem
mahmoud mahmud mahmood
mustafa mostafa moustafa
saleh salih saalih
suleiman sulaiman soleiman sulayman suleyman
faisal faysal feisal
nasser nasir naser nassir
walid waleed oualid
saeed said saied saeid sayeed
tariq tareq tarek tarik
issa eissa isa
fadel fadhil fadil fazel
haider haidar haydar heidar
hassan hasan
adel adil
emad imad
musa moussa mousa moosa
nour nur noor
yousef yusuf youssef yousuf yusef
omar umar omer
othman uthman osman
mehdi mahdi
reza riza
ali aly
amir ameer emir
rashid rasheed rachid
salam salaam
salim saleem
jamal jamaal gamal djamal
zayd zaid zeid
fouad fuad fuaad
raed raid
tahrir tahreer
sham cham scham shaam
shabaab shabab chabab
sunna sunnah
sharia shariah charia
maghreb maghrib
jihad djihad dschihad jehad
mujahideen mujahedin mujahidin mojahedin moudjahidine
brigade brigades
battalion battalions
hamid hameed
majid majeed
rafiq rafik
wadi ouadi
jabal jebel jabel djebel
tal tel tell tall
umm um oum
nahr naher
khan chan
bin ben ibn
pasdaran pasdaran
basij baseej bassidj
mosul mossul mossoul
falluja fallujah faludscha
najaf nadschaf nedjef
karbala kerbala karbalaa
kirkuk kirkouk
sulaymaniyah sulaimaniyah sulaimaniya sulaymaniya slemani sulaimani
erbil irbil arbil
duhok dohuk dahuk
hasakah hasaka hasakeh hassakeh hassaka
latakia lattakia
tartus tartous
idlib idleb
manbij menbij
hodeidah hodeida hudaydah hudaida hodeidah
sanaa sana
taiz taizz taez
marib mareb maarib
hadramawt hadramout hadhramaut
saada sadah saadah
gaddafi qaddafi gadhafi qadhafi kadhafi
haftar hifter
benghazi bengazi
sirte syrte
امريكا اميركا
امريكي اميركي
امريكيه اميركيه
الامريكي الاميركي
الامريكيه الاميركيه
الامريكيين الاميركيين
سوريا سوريه
ديمقراطي ديموقراطي
ديمقراطيه ديموقراطيه
الديمقراطي الديموقراطي
الديمقراطيه الديموقراطيه
دموكراتيك دمكراتيك
كردستان كوردستان
الكردستاني الكوردستاني
الكردي الكوردي
الكرديه الكورديه
ابو ابي
بن ابن
يهمريكا يهمهريكا
محهمهد محهممهد موحهمهد موحهممهد
مهحمود مهحموود
مستهفا موستهفا
حوسين حسين حوسهين
عهبدوللا عهبدولا
ريژيمي رژيمي
אמריקאי אמריקני
האמריקאי האמריקני
אמריקאית אמריקנית
האמריקאית האמריקנית
חיזבאללה חזבאללה
כתאאב כתאיב קתאאב קתאיב קטאיב
מוחמד מחמד
סולימאני סולימני סוליימאני סוליימני
""".strip()

_ARTICLES: Final = frozenset({"al", "el"})
_SUN_LETTERS: Final = ("sh", "t", "d", "r", "z", "s", "n")  # before them the article's l is spoken as the letter itself
_GLUED_MIN: Final = 9  # letters of a name that may be found with a blank lost: shorter ones turn up in other words

_ARABIC_ARTICLE: Final = "ال"
_ARABIC_SERVANT: Final = "عبدال"  # "servant of", first part of many first names, written apart or not
_HEBREW_ARTICLE: Final = "ה"
_HEBREW_SUN_LETTERS: Final = tuple("תדרזסשצטלנ")  # before them the Arabic article is written אל or א
_DOUBLED: Final = re.compile(r"(?<=\w)(?:وو|يي|וו|יי)(?=\w)")  # long vowels inside a word, often written single
_DOUBLED_MIN: Final = 6  # letters of a name in which they are


def _index(groups: str) -> Mapping[str, tuple[str, ...]]:
    spellings: dict[str, list[str]] = {}
    for line in groups.splitlines():
        words = line.split()
        for word in words:
            spellings.setdefault(word, [word]).extend(w for w in words if w not in spellings[word])
    return {word: tuple(group) for word, group in spellings.items()}


_SPELLINGS: Final = _index(_GROUPS)


def variants(name: str, *, others: bool = True) -> set[str]:
    """Return the spellings of a folded name, itself among them; without `others` only what bad typing does to it.

    >>> sorted(variants("hashd al shaabi"))[:3]
    ['hachd al chaabi', 'hachd al schaabi', 'hachd al shaabi']
    """
    spelled = {name}
    if others:
        spelled = _respelled(name.split())
        if name.isascii():
            spelled |= {other for one in spelled for other in _articles(one.split())}
        elif name[0] >= "\u0590":
            write = _arabic if name[0] >= "\u0600" else _hebrew
            spelled |= {other for one in spelled for other in write(one.split())}
            spelled |= {_single(one) for one in spelled}
        elif "\u0400" <= name[0] <= "\u04ff":
            spelled |= declined(name)
    if "ß" in name:
        spelled.add(name.replace("ß", "ss"))
    return spelled | _glued(name.split())


def _respelled(words: Sequence[str]) -> set[str]:
    choices = [
        _SPELLINGS.get(word, ("al", "el") if word in _ARTICLES and len(words) > 1 else (word,)) for word in words
    ]
    return {" ".join(choice) for choice in itertools.islice(itertools.product(*choices), MOST)}


def _articles(words: Sequence[str]) -> Iterable[str]:
    """Spell a name's articles otherwise: left out, joined to the next word, or spoken (ash-Shaabi)."""
    places = [place for place, word in enumerate(words[:-1]) if word == "al"]
    for place in places:
        head, word, tail = words[:place], words[place + 1], words[place + 2 :]
        if head and len(words) >= 3:
            yield " ".join([*head, word, *tail])
        if head or len(word) >= 4:
            yield " ".join([*head, "al" + word, *tail])
        for sound in _SUN_LETTERS:
            if word.startswith(sound):
                yield from (" ".join([*head, vowel + sound, word, *tail]) for vowel in "ae")
                break


def _arabic(words: Sequence[str]) -> Iterable[str]:
    """Spell a name's article and first parts otherwise.

    After the preposition l- the article's alif is not written: للحوثيين holds لحوثيين. Persian leaves out the article
    of a last name or last word: هادی عامری.
    """
    first, last = words[0], words[-1]
    if first.startswith(_ARABIC_ARTICLE) and len(" ".join(words)) > 5:
        yield " ".join(["ل" + first[2:], *words[1:]])
    if len(words) > 1 and last.startswith(_ARABIC_ARTICLE) and len(last) > 4:
        yield " ".join([*words[:-1], last[2:]])
    for place, word in enumerate(words):
        if word.startswith(_ARABIC_SERVANT) and len(word) > len(_ARABIC_SERVANT):
            yield " ".join([*words[:place], word[:3], word[3:], *words[place + 1 :]])


def _hebrew(words: Sequence[str]) -> Iterable[str]:
    """Spell a name's articles otherwise.

    After a preposition the first ה of two is not written: בבית הלבן holds בית הלבן. The Arabic article before a sun
    letter is written אל or, as it is spoken, א: אל-שאם, א-שאם.
    """
    if len(words) > 1 and words[0].startswith(_HEBREW_ARTICLE) and words[1].startswith(_HEBREW_ARTICLE):
        yield " ".join([words[0][1:], *words[1:]])
    for place, (word, after) in enumerate(itertools.pairwise(words)):
        if word in ("אל", "א") and after.startswith(_HEBREW_SUN_LETTERS):
            yield " ".join([*words[:place], "א" if word == "אל" else "אל", *words[place + 1 :]])


def _single(name: str) -> str:
    """The name with its doubled vowels single: סינואר for סינוואר, مەحمود for مەحموود."""
    return _DOUBLED.sub(lambda found: found[0][0], name) if len(name) >= _DOUBLED_MIN else name


def _glued(words: Sequence[str]) -> set[str]:
    """The name with any one of its blanks lost: Ahlal-Haq, Gazastrip, F16."""
    if len(words) < 2:
        return set()
    if sum(map(len, words)) < _GLUED_MIN and not any(word.isdigit() for word in words):
        return set()
    return {
        " ".join([*words[: place - 1], words[place - 1] + words[place], *words[place + 1 :]])
        for place in range(1, len(words))
    }
