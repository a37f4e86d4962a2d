"""Run inside Tryton's own process: what its database needs before an opportunity can be made. Prints what it made.

Arguments: address of the database, configuration file, the password of the sync's user.
"""

import datetime
import json
import sys
from decimal import Decimal

from proteus import Model, Wizard, config

address, file, password = sys.argv[1:]
config.set_trytond(address, user="admin", config_file=file)
Currency, Party, Company = (Model.get(name) for name in ("currency.currency", "party.party", "company.company"))
euro = Currency(name="Euro", code="EUR", numeric_code="978", symbol="€", rounding=Decimal("0.01"), digits=2)
euro.rates.new(date=datetime.date(2000, 1, 1), rate=Decimal("1"))
euro.save()
ours = Party(name="Ours")
ours.save()
wizard = Wizard("company.company.config")
wizard.execute("company")
wizard.form.party = ours
wizard.form.currency = euro
wizard.execute("add")
(company,) = Company.find([], limit=1)
Employee, User, Group = (Model.get(name) for name in ("company.employee", "res.user", "res.group"))
employees = {}
for name in ("ada", "eve"):
    party = Party(name=name.title())
    mechanism = party.contact_mechanisms.new(type="email", value=f"{name}@ours.example")
    party.save()
    employee = Employee(party=party, company=company)
    employee.save()
    employees[f"{name}@ours.example"] = employee.id
for login, email in (("crmsync", "sync@ours.example"), ("human", "human@ours.example")):
    user = User(name=login, login=login, email=email)
    user.password = password
    for group in Group.find([]):
        user.groups.append(Group(group.id))
    user.companies.append(Company(company.id))
    user.company = Company(company.id)
    user.save()
Sequence, Kind, Settings = (Model.get(name) for name in ("ir.sequence", "ir.sequence.type", "sale.configuration"))
settings = Settings(1)
if not settings.sale_opportunity_sequence:
    kind = next(one for one in Kind.find([]) if "pportunit" in one.name)
    found = Sequence.find([("sequence_type", "=", kind.id)]) or [Sequence(name="Opportunity", sequence_type=kind)]
    if found[0].id < 0:
        found[0].save()
    settings.sale_opportunity_sequence = found[0]
    settings.save()
sys.stdout.write(json.dumps({"company": company.id, "currency": euro.id, "employees": employees}))
