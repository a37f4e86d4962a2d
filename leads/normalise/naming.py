"""Names as they are matched by: spelling, order, titles and nicknames do not count."""

import re
from functools import lru_cache

from leads.normalise.text import fold

LONGEST = 200
# Each line is one name with what people call its bearers, English and German; the first is what they are matched by.
NICKNAMES = """
abigail abby gail|adelheid heidi heide|albert al bert|alexander alex sascha sandro xander|alexandra sandra alexa
alfred fred alf fredi|amanda mandy|andreas andi andy andre andrew drew|angela angie|anneliese liesel anneli
anthony tony anton toni|antonia tonia|arthur art|barbara barb babs bärbel|bartholomäus bart|benedikt bene
benjamin ben benny benji|bernhard bernd bernie bernard hardy|brigitte gitte gitta birgit|catherine cathy kate katie
charles charlie chuck karl carl|charlotte lotte charly lottie|christian chris christoph christopher kit
christina christine chrissy tina kristina kirsten|clemens clem|cornelia conny nelly|daniel dan danny|david dave davy
deborah debbie deb|dieter didi|dominik dominic dom nick|donald don donny|dorothea doris dorothy dora thea dörte
douglas doug|edward ed eddie ted ned eduard edi|eleanor ellie nora eleonore leonore|elfriede elfi friedel
elisabeth elizabeth liz lisa beth betty eliza lisbeth elsbeth sissi elli ella|emanuel manuel mani
emil emilio|erich eric erik|ernst ernie ernest|eugen gene eugene|felix|ferdinand ferdi fernando|florian flori flo
frances fran fanny franziska franzi sissy|franz frank francis francesco|friederike rike frieda
friedrich fritz frederick fred2 frieder freddy|gabriele gabi gaby gabriela|georg george jörg jürgen schorsch
gerald jerry gerry|gerhard gerd gert|gertrud traudl gerti trude|gottfried gottfred friedl|gregor greg gregory
günther günter|hans johannes johann john jonny johnny jon hannes jack jan ian|hannelore hanne lore
harald harry harold|heinrich heinz heiner henry hank henri hinnerk|helena helene lena leni ellen
helmut helmuth|henrike henni|herbert herb bert2|hermann herman|hildegard hilde hilda|horst|hubert hubertus hub
ignaz naz|ilse|ingeborg inge inga|irmgard irma irmi|isabel isabella isa bella isabelle|jacob jakob jake jaap
jacqueline jackie|james jim jimmy jamie|jennifer jen jenny|jessica jess jessie|joachim achim jochen jo
jonathan jonas jonny2|josef joseph joe joey sepp jupp josip pepe|judith judy|julia julie jule juliane
karin karen carina|karoline caroline caro line carolyn|katharina kathi käthe kathrin katrin kathleen katherine
kenneth ken kenny|klaus claus nikolaus nick2 nicholas niko nikolas nicolas klausi|konrad conrad kurt conny2
kristof|lawrence larry laurence lorenz lars|leonard leo lenny leon leonhard|leopold poldi|ludwig lutz louis lewis
lukas luke luca lucas|magdalena lena2 magda madeleine|manfred manni fredl|margaret maggie meg peggy greta grete gretchen
margarete margarethe rita marguerite marga|maria marie mary mimi mitzi mia|marianne|martha|martin marty
mathilde tilda thilde|matthias matthew matt mathias hias matze|maximilian max maxi|melanie mel|michael mike mick micha
michaela michi|nathaniel nat nate nathan|nicole nicki nikki|oliver olli ollie|oskar oscar|oswald ossi|otto
pamela pam|patricia pat patty trish|patrick paddy pat2|paul pauli pavel|peter pete pit petra2|philipp phil philip
rainer reiner|raimund raymond ray|rebecca becky becca|regina gina|reinhard reinhold|richard rick dick richie rich
robert bob bobby rob robbie bert3|roland rolf rollo|ronald ron ronny|rosemarie rosi rosa|rudolf rudi rudy ralf ralph
ruprecht rupert|samuel sam sammy|sabine bine|sebastian basti bastian wastl seb|siegfried sigi siggi|sigrid siri
simon|sophia sophie sofie sofia|stefan stephan steve steven stephen steffen|stefanie stephanie steffi
susanne susan sue susi suzanne|sven|theodor theo ted2 theodore|theresa therese resi tess terry teresa
thomas tom tommy thommy|timothy tim timo|ulrich uli ulli|ulrike rike2|ursula uschi ulla|valentin vali
veronika vroni vera veronica|victor vic viktor|victoria vicky viktoria|vincent vinzenz vince vinnie
walter walt wally walther|walburga burgl|werner|wilhelm will william bill billy willi willy wim guillaume
wilhelmine mina minna|wolfgang wolf wolfi|xaver xavi xavier|yvonne|zachary zach
"""
_TITLES = frozenset(
    "herr frau hr fr mr mrs ms miss mx dr prof professor dipl ing mag mba phd jr sr junior senior med rer nat".split()
)
_UMLAUT = re.compile(r"([aou])e")


def _table() -> dict[str, str]:
    found: dict[str, str] = {}
    for group in NICKNAMES.replace("\n", "|").split("|"):
        # A number behind a name says that it belongs to several groups; the first one has it.
        names = [name for name in group.split() if not name[-1:].isdigit()]
        for name in names:
            found.setdefault(plain(name), plain(names[0]))
    return found


@lru_cache(maxsize=50_000)
def plain(text: str) -> str:
    """Folded, umlauts without their second letter: `Müller` and `Mueller` are one."""
    return _UMLAUT.sub(r"\1", fold(text.replace("'", "").replace("’", "")))


CANONICAL = _table()


def words(text: str) -> list[str]:
    """The words of a name without titles."""
    return [word for word in plain(text).split() if word not in _TITLES]


def given_name(first: str) -> str:
    """The first given name as it is matched by: `Bob` is robert, `Hans-Peter` hans."""
    found = words(first)
    return CANONICAL.get(found[0], found[0]) if found else ""


@lru_cache(maxsize=50_000)
def name_key(first: str, last: str) -> str:
    """What a person's whole name is matched by, empty unless first and last name are known by more than a letter.

    The parts are sorted, as forms and lists confuse first and last.
    """
    given, family = given_name(first), words(last)
    if len(given) < 2 or not any(len(word) > 1 for word in family):
        return ""
    # Written the other way round, the family's name is what may be short for something.
    family = [CANONICAL.get(word, word) for word in family]
    return " ".join(sorted([given, *family]))[:LONGEST]


def person_key(phone: str, name: str) -> str | None:
    """A number with the name of who is called by it: certain enough to be one person. None where either is missing."""
    return f"{phone} {name}" if phone and name else None
