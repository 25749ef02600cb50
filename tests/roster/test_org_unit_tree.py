import time

from addon.roster.index import DirectoryIndex
from addon.roster.org_unit_tree import OrgUnitNode, org_unit_tree
from addon.tenants.model import Protected
from tests.proposals.domains import domain
from tests.roster.builders import ou, snapshot, user


def names(node: OrgUnitNode) -> list[str]:
    return [child.name for child in node.children]


def at(node: OrgUnitNode, *path: str) -> OrgUnitNode:
    for name in path:
        node = next(child for child in node.children if child.name == name)
    return node


def test_each_org_unit_has_those_in_it_and_those_below():
    tree = org_unit_tree(domain({"/": 1, "/Elever/Norra/7A": 3, "/Elever/Norra": 2}))
    assert (tree.path, tree.users, tree.users_below) == ("/", 1, 6)
    norra = at(tree, "Elever", "Norra")
    assert (norra.path, norra.users, norra.users_below) == ("/Elever/Norra", 2, 5)


def test_siblings_are_in_swedish_alphabetical_order():
    tree = org_unit_tree(domain({"/Ö": 0, "/Å": 0, "/Ä": 0, "/10A": 0, "/9A": 0, "/Z": 0}))
    assert names(tree) == ["9A", "10A", "Z", "Å", "Ä", "Ö"]


def test_only_active_people_are_counted():
    reading = snapshot(user("a", "/E"), user("b", "/E", suspended=True), user("c", "/E"))
    tree = org_unit_tree(DirectoryIndex(Protected(), reading))
    assert at(tree, "E").users == 2


def test_people_in_an_org_unit_that_was_not_listed_are_in_the_tree():
    reading = snapshot(user("a", "/New/Below"))
    tree = org_unit_tree(DirectoryIndex(Protected(), reading))
    assert at(tree, "New", "Below").users == 1


def test_an_org_unit_spelled_in_two_ways_is_one():
    reading = snapshot(ou("/Elever"), user("a", "/elever"), user("b", "/Elever"))
    tree = org_unit_tree(DirectoryIndex(Protected(), reading))
    assert [(child.path, child.users) for child in tree.children] == [("/Elever", 2)]


def test_a_domain_without_anything_has_a_root():
    assert org_unit_tree(domain({})) == OrgUnitNode("/", "/", 0, 0)


def test_a_large_domain_takes_no_time():
    index = domain({f"/Elever/Skola {n // 30}/Klass {n}": 15 for n in range(2000)})
    start = time.process_time()
    tree = org_unit_tree(index)
    assert tree.users_below == 30_000
    assert time.process_time() - start < 0.5
