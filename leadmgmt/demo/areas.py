"""Where the demo organisation's leads sit: postal codes of the German towns, and how they are divided."""

from leads.services.territories import save_table

CODES = {
    "Aachen": "52062", "Augsburg": "86150", "Berlin": "10115", "Bielefeld": "33602", "Bochum": "44787",
    "Bremen": "28195", "Chemnitz": "09111", "Dortmund": "44135", "Dresden": "01067", "Erfurt": "99084",
    "Essen": "45127", "Freiburg": "79098", "Göttingen": "37073", "Hamburg": "20095", "Hannover": "30159",
    "Karlsruhe": "76131", "Kassel": "34117", "Kiel": "24103", "Köln": "50667", "Leipzig": "04103",
    "Mannheim": "68159", "München": "80331", "Münster": "48143", "Nürnberg": "90402", "Regensburg": "93047",
    "Rostock": "18055", "Stuttgart": "70173", "Ulm": "89073",
}  # fmt: skip
AREAS = """territory;country;region;postal codes
North;DE;;1 2 30-31 38-39
East;DE;;0 98-99
West;DE;;32-37 4 5 60-63 65
South;DE;;64 66-69 7 8 90-97
Austria;AT;;
Switzerland;CH;;
"""


def divide() -> None:
    """Make the table of sales areas."""
    save_table("sales_area", "Sales area", AREAS)
