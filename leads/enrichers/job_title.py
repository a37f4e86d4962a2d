"""What a job title says about rank and department, in English and German."""

import re

from leads.enrichers.base import Known, Offered

# The first rank of which a mark is found counts, so exceptions and the higher ranks come first. Marks are whole
# words; a star lets the word go on, or begin earlier (German writes Vertriebsleiterin in one word); a|b are two words
# in a row.
RANKS: tuple[tuple[str, str], ...] = (
    (
        "junior",
        "intern internship praktikant* praktikum trainee azubi auszubildende* werkstudent* student* apprentice "
        "lehrling volontär* junior",
    ),
    (
        "staff",
        "assistant|to assistenz* assistent* sekretär* secretary executive|assistant personal|assistant "
        "account|executive sales|executive marketing|executive product|owner process|owner system|owner",
    ),
    ("vp", "vp svp evp avp vice|president bereichsvorst*"),
    (
        "owner",
        "owner co-owner *inhaber* *gesellschafter* founder co-founder cofounder gründer* *mitgründer* proprietor "
        "eigentümer* entrepreneur unternehmer* selbständig* selbstständig* freelancer freiberuf*",
    ),
    (
        "c_level",
        "ceo cto cfo coo cio cmo cpo cro chro ciso cdo cso chief geschäftsführ* geschaeftsfuehr* geschäftsleit* "
        "geschaeftsleit* gf ggf md managing|director managing|partner senior|partner vorstand* vorständ* *vorsitzende* "
        "president general|manager hauptgeschäftsführ* director|general pdg gérant* verwaltungsrat* aufsichtsrat* "
        "board|member",
    ),
    (
        "director",
        "director* direktor* *direktor* direktion *bereichsleit* hauptabteilungsleit* directeur* directrice werksleit* "
        "werkleit* niederlassungsleit* standortleit* prokurist* prokura",
    ),
    (
        "manager",
        "teamleit* gruppenleit* *projektleit* bauleit* filialleit* schichtleit* einsatzleit* team|lead teamlead "
        "tech|lead project|lead chef|de|projet stellvertretende* stv deputy",
    ),
    ("head", "head *leiter* *leitung leitend* *abteilungsleit* chef* responsable"),
    (
        "manager",
        "manager* *manager *managerin *management supervisor lead *meister* disponent* disposition koordinator* "
        "coordinator vorarbeiter* foreman verantwortliche*",
    ),
    (
        "senior",
        "senior sr principal staff|engineer expert* spezialist* specialist architect* architekt* referent* berater* "
        "consultant advisor",
    ),
)
DEPARTMENTS: tuple[tuple[str, str], ...] = (
    ("management", "personal|assistant executive|assistant"),
    (
        "purchasing",
        "*einkauf* *einkäuf* procurement purchas* buyer *beschaffung* sourcing materialwirtschaft buying",
    ),
    ("hr", "hr human|resources *personal* people talent recruit* chro ausbildung*"),
    (
        "finance",
        "*finanz* finance financial cfo controll* account|payable accounting accountant *buchhalt* treasur* bilanz* "
        "rechnungswesen kaufmännisch* kaufmaennisch* tax steuerber* steuerfach*",
    ),
    ("legal", "legal rechts* *recht jurist* counsel compliance datenschutz* privacy attorney syndikus*"),
    (
        "marketing",
        "*marketing* cmo brand branding communication* *kommunikation* pr presse* content seo social|media growth "
        "werbung demand|generation",
    ),
    (
        "service",
        "*service* *kundendienst* field support *support customer|success customer|care aftersales after-sales "
        "*instandhalt* maintenance *wartung* *montage* helpdesk disponent* *disposition* dispatch* einsatzplan* "
        "einsatzleit*",
    ),
    (
        "sales",
        "sales *vertrieb* *verkauf* *verkäuf* account|executive account|manager key|account business|development cro "
        "revenue *außendienst* *aussendienst* *innendienst*",
    ),
    (
        "it",
        "it *informatik* cio ciso edv information|technology systemadministrat* sysadmin administrator *digital* cdo "
        "information|security netzwerk* erp application*",
    ),
    ("product", "product* produktmanag* produktentwickl* cpo ux *design*"),
    ("research", "research* *forsch* r&d f&e scientist* wissenschaft* labor* *innovation*"),
    (
        "operations",
        "coo operation* *betrieb* *produktion* *logisti* *lager* plant werk* *fertigung* manufactur* facility "
        "warehouse transport* fuhrpark* fleet prozess* process supply bauleit* production *organisation* meister*",
    ),
    (
        "engineering",
        "cto engineer* *ingenieur* develop* *entwickl* software* technology technolog* technical *techni* "
        "construction konstrukt* devops data qualit* *qualität* architect*",
    ),
    (
        "management",
        "ceo geschäftsführ* geschaeftsfuehr* geschäftsleit* geschaeftsleit* gf ggf md managing|director "
        "managing|partner owner co-owner founder co-founder cofounder *inhaber* *gesellschafter* *gründer* vorstand* "
        "*vorsitzende* president chairman director|general pdg gérant* general|manager chief|executive "
        "unternehmer* board",
    ),
)


def _pattern(marks: str) -> re.Pattern[str]:
    """One expression for all marks of a line: ``a|b`` are two words in a row, a star lets the word go on."""
    parts = []
    for mark in marks.split():
        words = r"\W+".join(re.escape(word) for word in mark.split("|"))
        start = "" if words.startswith(r"\*") else r"(?<!\w)"
        end = "" if words.endswith(r"\*") else r"(?!\w)"
        parts.append(start + words.removeprefix(r"\*").removesuffix(r"\*") + end)
    return re.compile("|".join(parts))


RANK_PATTERNS = [(name, _pattern(marks)) for name, marks in RANKS]
DEPARTMENT_PATTERNS = [(name, _pattern(marks)) for name, marks in DEPARTMENTS]


def rank_of(title: str) -> str:
    """owner, c_level, vp, director, head, manager, senior, staff or junior; empty where nothing is said."""
    return _first(RANK_PATTERNS, title)


def department_of(title: str) -> str:
    """The department; empty where the title names none."""
    return _first(DEPARTMENT_PATTERNS, title)


def _first(patterns: list[tuple[str, re.Pattern[str]]], title: str) -> str:
    text = title.lower()
    return next((name for name, pattern in patterns if pattern.search(text)), "")


def enrich(known: Known) -> list[Offered]:
    """Rank and department from the title."""
    title = known.contact.job_title
    if not title.strip():
        return []
    rank, department = rank_of(title), department_of(title)
    offered = []
    if rank or department:
        # A title that names a department and no rank is somebody who works there.
        offered.append(Offered("contact", "seniority", rank or "staff", 0.8 if rank else 0.5))
    if department:
        offered.append(Offered("contact", "department", department, 0.8))
    return offered
