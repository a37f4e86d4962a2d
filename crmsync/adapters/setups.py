"""How each of our adapters is set up."""

from django.utils.translation import gettext_lazy as _

from crmsync.adapters.setup import Setting, Setup, SignIn

LOCAL = Setup("Board", _("The built-in board. It needs no credentials."), is_proven=True, poll_seconds=15)
SALESFORCE = Setup(
    "Salesforce",
    _("REST, with a custom field LMS_Key__c (text, 255, unique, external id) on opportunity, account and contact."),
    (
        Setting("address", _("Address of the account"), "url", _("https://your-company.my.salesforce.com")),
        Setting(
            "flow",
            _("Sign-in"),
            "choice",
            default="client_credentials",
            choices=(
                ("client_credentials", _("Client credentials")),
                ("refresh_token", _("A person signs in")),
                ("jwt", _("A signed key (JWT)")),
            ),
        ),
        Setting("login", _("Login address"), "url", default="https://login.salesforce.com"),
        Setting("organisation", _("Organisation id"), help=_("15 or 18 characters; webhooks of others are refused.")),
        Setting("client_id", _("Consumer key"), "secret"),
        Setting("client_secret", _("Consumer secret"), "secret", only_for=("client_credentials", "refresh_token")),
        Setting("username", _("User name"), "secret", only_for=("jwt",)),
        Setting("private_key", _("Private key (PEM)"), "long_secret", only_for=("jwt",)),
    ),
    SignIn("refresh_token", "/services/oauth2/authorize", "api refresh_token"),
    sign_in_at="login",
    needs=(
        _("A user of its own with the right “API Enabled”, so that its changes can be told from those of people."),
        _("Opportunities, accounts and contacts: read, create, edit. Contact roles: read, create. Users: read."),
        _("Edit access to each field that is mapped; those of ours are hidden from it otherwise."),
    ),
)
HUBSPOT = Setup(
    "HubSpot",
    _("Deals with properties of ours, which are made for you. Webhooks version 3."),
    (
        Setting("address", _("Address of the API"), "url", default="https://api.hubapi.com"),
        Setting(
            "flow",
            _("Sign-in"),
            "choice",
            default="key",
            choices=(("key", _("Key of a private app")), ("refresh_token", _("A person signs in"))),
        ),
        Setting("portal", _("Account number"), is_required=False),
        Setting("pipeline", _("Pipeline"), default="default"),
        Setting("key", _("Key of the private app"), "secret", only_for=("key",)),
        Setting("client_id", _("Client id"), "secret", only_for=("refresh_token",)),
        Setting("client_secret", _("Client secret"), "secret", only_for=("refresh_token",)),
    ),
    SignIn(
        "refresh_token",
        "/oauth/authorize",
        "oauth crm.objects.deals.read crm.objects.deals.write crm.objects.contacts.read crm.objects.contacts.write"
        " crm.objects.companies.read crm.objects.companies.write crm.objects.owners.read crm.schemas.deals.read",
    ),
    sign_in_at="https://app.hubspot.com",
    needs=(
        _("Deals, contacts and companies: crm.objects.….read and .write. Owners: crm.objects.owners.read."),
        _("Pipelines and properties: crm.schemas.deals.read; to make ours, crm.schemas.….write as well."),
    ),
)
ODOO = Setup(
    "Odoo",
    _("JSON-RPC with an API key. The fields of ours are made for you, if the key is an administrator's."),
    (
        Setting("address", _("Address"), "url", _("https://your-company.odoo.com")),
        Setting("database", _("Database")),
        Setting("login", _("User"), help=_("E-mail address of the user that the key belongs to.")),
        Setting("key", _("API key"), "secret"),
    ),
    needs=(
        _("A user of its own in the group “Sales: All Documents”, so that it sees the deals of everybody."),
        _("An administrator's key only while the fields of ours are made."),
    ),
)
TRYTON = Setup(
    "Tryton",
    _("JSON-RPC, as only there a write names the version that it expects."),
    (
        Setting("address", _("Address"), "url", _("https://tryton.your-company.com")),
        Setting("database", _("Database")),
        Setting("login", _("User")),
        Setting("password", _("Password"), "secret"),
        Setting("company", _("Id of the company"), "number", default="1"),
        Setting("currency", _("Id of the currency"), "number", default="1"),
    ),
    is_proven=True,
    needs=(_("A user of its own in the groups for sales and for parties, for the company named here."),),
)
