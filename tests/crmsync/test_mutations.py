"""The script that takes safeguards away (`tests/crmsync/mutations.py`) finds each of them where it says it stands."""

import pytest

from tests.crmsync.mutations import MUTATIONS, ROOT


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.name)
def test_a_safeguard_stands_where_the_script_takes_it_away(mutation):
    assert (ROOT / mutation.file).read_text().count(mutation.old) == 1
    assert all((ROOT / name).exists() for name in mutation.tests if name.startswith("tests/"))
