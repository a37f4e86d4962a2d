"""Names, towns and trades of the people who show interest, by country. Nobody of them exists."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Land:
    """What one country's contacts are called and where they sit.

    ``number`` has a place for three digits within a range that is reserved for fiction, so that nobody is ever rung up;
    empty where a country has none.
    """

    code: str
    share: int
    language: str
    number: str
    first: str
    last: str
    towns: str
    legal: str
    zone: str


LANDS = (
    Land(
        "DE",
        50,
        "de",
        "+498999998{}",
        "Andreas Anja Bernd Birgit Carsten Claudia Daniel Dirk Eva Florian Frank Gabriele Heike Holger Ingo Jana Jörg "
        "Judith Julia Kai Karin Katrin Lars Lukas Maike Marco Markus Martina Matthias Nadine Nele Nina Oliver Patrick "
        "Petra Ralf Sabine Sandra Sebastian Silke Simon Stefanie Sven Tanja Thorsten Tim Ulrike Uwe Volker Yvonne",
        "Bachmann Becker Brunner Dietrich Ebert Engel Fischbach Franke Gerlach Graf Haas Hartwig Heinemann "
        "Herzog Huber "
        "Jansen Kaiser Keller Kirchner Klein Krause Kuhn Lehmann Lorenz Maurer Menzel Neumann Oppermann Otto Pfeiffer "
        "Pohl Reuter Riedel Roth Sauer Schaller Schreiber Seidel Sommerfeld Stark Steiner Thiel Ulrich Vogel Wagner "
        "Walther Weber Winkler Wolff Ziegler",
        "Aachen Augsburg Berlin Bielefeld Bochum Bremen Chemnitz Dortmund Dresden Erfurt Essen Freiburg "
        "Göttingen Hamburg "
        "Hannover Karlsruhe Kassel Kiel Köln Leipzig Mannheim München Münster Nürnberg Regensburg Rostock "
        "Stuttgart Ulm",
        "GmbH|GmbH|GmbH|GmbH & Co. KG|AG|e. K.",
        "Europe/Berlin",
    ),
    Land(
        "AT",
        10,
        "de",
        "",
        "Alexander Barbara Christoph Doris Elisabeth Franz Georg Hannes Johanna Katharina Manfred Michaela "
        "Reinhard Stefan",
        "Aigner Bauer Eder Egger Fuchs Gruber Hofer Lechner Moser Pichler Reiter Schwarz Wallner Wimmer",
        "Graz Innsbruck Klagenfurt Linz Salzburg Villach Wels Wien",
        "GmbH|GmbH|KG|AG",
        "Europe/Vienna",
    ),
    Land(
        "CH",
        9,
        "de",
        "",
        "Beat Corinne Daniela Fabian Hansjörg Luzia Marcel Monika Pascal Reto Sandro Thomas Urs Vreni",
        "Ammann Baumann Bühler Frei Gerber Hunziker Kunz Lüthi Meier Odermatt Schmid Studer Zbinden Zürcher",
        "Basel Bern Chur Luzern St. Gallen Thun Winterthur Zürich",
        "AG|AG|GmbH|SA",
        "Europe/Zurich",
    ),
    Land(
        "NL",
        8,
        "nl",
        "",
        "Anouk Bram Daan Esther Fleur Jeroen Koen Lotte Maarten Niels Pieter Sanne Wouter",
        "Bakker Dekker Groot Hendriks Jacobs Kuipers Meijer Mulder Peters Smit Visser Willems",
        "Amersfoort Breda Eindhoven Haarlem Rotterdam Tilburg Utrecht Zwolle",
        "B.V.|B.V.|N.V.",
        "Europe/Amsterdam",
    ),
    Land(
        "FR",
        7,
        "fr",
        "+331990{}00",
        "Antoine Camille Céline Damien Élodie Fabrice Guillaume Hélène Julien Laure Mathieu Nathalie Olivier Sophie",
        "Aubert Blanchard Caron Deschamps Faure Garnier Lambert Lefèvre Marchal Perrin Renaud Rousseau Tessier Vidal",
        "Bordeaux Grenoble Lille Lyon Nantes Rennes Strasbourg Toulouse",
        "SARL|SAS|SA",
        "Europe/Paris",
    ),
    Land(
        "GB",
        7,
        "en",
        "+441614960{}",
        "Alice Benjamin Charlotte Duncan Emily Fiona Gareth Harriet Ian Joanna Kieran Laura Martin Rachel",
        "Atkinson Barlow Carter Dawson Ellis Fletcher Grant Holmes Jennings Lawson Marsden Pearce Redmond Whitaker",
        "Birmingham Bristol Cardiff Edinburgh Glasgow Leeds Manchester Sheffield",
        "Ltd|Ltd|plc|LLP",
        "Europe/London",
    ),
    Land(
        "IT",
        4,
        "it",
        "",
        "Alessia Bruno Chiara Davide Elena Fabio Laura Matteo Roberta Simone",
        "Barbieri Colombo Moretti Ferrara Galli Marini Rinaldi Rizzo Serra Villa",
        "Bergamo Bologna Genova Milano Padova Torino Verona",
        "S.r.l.|S.p.A.",
        "Europe/Rome",
    ),
    Land(
        "PL",
        3,
        "pl",
        "",
        "Agnieszka Bartosz Dorota Grzegorz Joanna Krzysztof Magdalena Paweł Tomasz",
        "Borkowski Dudek Jankowski Kamiński Lis Mazur Pawlak Sikora Wrona",
        "Gdańsk Katowice Kraków Łódź Poznań Warszawa Wrocław",
        "Sp. z o.o.|S.A.",
        "Europe/Warsaw",
    ),
    Land(
        "SE",
        2,
        "sv",
        "",
        "Anders Elin Gustav Ingrid Karin Magnus Oskar Sara",
        "Bergström Dahl Ekman Forsberg Holm Lundgren Nyström Sandberg",
        "Göteborg Malmö Stockholm Uppsala",
        "AB",
        "Europe/Stockholm",
    ),
)
OUTSIDE = Land(
    "US", 0, "en", "", "Amy Brian Carla Derek Jill Kevin", "Baxter Coleman Dalton Porter Sawyer Tucker",
    "Chicago Denver Portland", "Inc.|LLC", "America/Chicago",
)  # fmt: skip

# industry, German word in the company's name, English word, how well it fits (0 to 1), median staff
TRADES = (
    ("Building services", "Gebäudetechnik", "Building Services", 0.9, 120),
    ("Building services", "Klimatechnik", "Climate", 0.9, 70),
    ("Elevators", "Aufzüge", "Lifts", 0.95, 260),
    ("Facility management", "Facility Services", "Facilities", 0.85, 420),
    ("Medical devices", "Medizintechnik", "Medical Systems", 0.8, 180),
    ("Security systems", "Sicherheitstechnik", "Security", 0.85, 110),
    ("Electrical contracting", "Elektrotechnik", "Electrical", 0.75, 60),
    ("Solar", "Solartechnik", "Solar", 0.7, 45),
    ("Utilities", "Netzservice", "Grid Services", 0.8, 600),
    ("Telecommunications", "Netzbau", "Networks", 0.8, 340),
    ("Heating", "Heizungsbau", "Heating", 0.65, 28),
    ("Industrial cleaning", "Industriereinigung", "Industrial Cleaning", 0.5, 90),
    ("Retail", "Handel", "Retail", 0.15, 80),
    ("Consulting", "Beratung", "Consulting", 0.1, 14),
    ("Education", "Akademie", "Academy", 0.1, 35),
)

# title in German, in English, how much say (0 to 1)
TITLES = (
    ("Geschäftsführer", "Managing Director", 1.0),
    ("Geschäftsführerin", "Managing Director", 1.0),
    ("Leiter Service", "Head of Service", 0.9),
    ("Leiterin Service", "Head of Service", 0.9),
    ("Leiter Kundendienst", "Field Service Director", 0.9),
    ("Bereichsleiterin Technik", "Director of Operations", 0.85),
    ("COO", "COO", 0.95),
    ("IT-Leiter", "Head of IT", 0.7),
    ("Einsatzleiter", "Dispatch Manager", 0.55),
    ("Disponentin", "Dispatcher", 0.35),
    ("Projektmanagerin Digitalisierung", "Digital Transformation Manager", 0.55),
    ("Servicetechniker", "Service Technician", 0.2),
    ("Einkäuferin", "Purchasing Manager", 0.4),
    ("Werkstudent", "Working Student", 0.05),
    ("", "", 0.3),
)
