import pytest

from mandates.ledger import (
    EMPTY_ROOT,
    Frontier,
    canonical,
    checkpoint_body,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

# The vectors of the Certificate Transparency project (merkletree tests).
ENTRIES = [
    bytes.fromhex(entry)
    for entry in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


def leaves(count):
    return [leaf_hash(str(number).encode()) for number in range(count)]


def plain_root(hashes):
    """MTH of RFC 6962 section 2.1, as it is written there."""
    if not hashes:
        return EMPTY_ROOT
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node_hash(plain_root(hashes[:split]), plain_root(hashes[split:]))


def test_the_empty_tree_has_the_hash_of_nothing():
    assert root_of([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_certificate_transparency(size):
    assert root_of(LEAVES[:size]).hex() == ROOTS[size - 1]


def test_proofs_are_those_of_certificate_transparency():
    assert [h.hex() for h in inclusion_proof(LEAVES, 5)] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert [h.hex() for h in consistency_proof(LEAVES, 6)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


def test_leaves_and_nodes_are_hashed_apart():
    left, right = leaves(2)
    assert leaf_hash(left + right) != node_hash(left, right)


@pytest.mark.parametrize("size", range(41))
def test_a_frontier_grows_to_the_root_that_the_rfc_defines(size):
    frontier = Frontier()
    for leaf in leaves(size):
        frontier = frontier.append(leaf)
    assert frontier.size == size
    assert len(frontier.peaks) == size.bit_count()
    assert frontier.root() == root_of(leaves(size)) == plain_root(leaves(size))


@pytest.mark.parametrize("size", range(1, 41))
def test_every_leaf_proves_itself_and_nothing_else(size):
    tree = leaves(size)
    root = root_of(tree)
    for index, leaf in enumerate(tree):
        proof = inclusion_proof(tree, index)
        assert verify_inclusion(leaf, index, size, proof, root)
        assert not verify_inclusion(leaf_hash(b"other"), index, size, proof, root)
        assert not verify_inclusion(leaf, index, size, (*proof, root), root)
        assert not verify_inclusion(leaf, index, size, proof, EMPTY_ROOT)
        assert not proof or not verify_inclusion(leaf, index, size, proof[:-1], root)
        assert not any(
            verify_inclusion(leaf, other, size, proof, root)
            for other in range(-1, size + 2)
            if other != index
        )


@pytest.mark.parametrize("size", range(41))
def test_every_earlier_tree_is_proved_and_no_other(size):
    tree = leaves(size)
    root = root_of(tree)
    for old_size in range(size + 1):
        old_root = root_of(tree[:old_size])
        proof = consistency_proof(tree, old_size)
        assert verify_consistency(old_size, old_root, size, root, proof)
        assert not verify_consistency(old_size, leaf_hash(b"other"), size, root, proof)
        assert not verify_consistency(old_size, old_root, size, root, (*proof, root))
        assert not proof or not verify_consistency(old_size, old_root, size, root, proof[:-1])
        assert old_size == 0 or not verify_consistency(old_size, old_root, size, leaf_hash(b"other"), proof)


def test_a_rewritten_past_is_found():
    tree = leaves(13)
    forged = [leaf_hash(b"forged"), *tree[1:]]
    for old_size in range(1, 13):
        assert not verify_consistency(
            old_size, root_of(tree[:old_size]), 13, root_of(forged), consistency_proof(forged, old_size)
        )


def test_a_tree_never_shrinks():
    tree = leaves(5)
    assert not verify_consistency(5, root_of(tree), 4, root_of(tree[:4]), ())
    assert not verify_consistency(-1, root_of(tree), 4, root_of(tree[:4]), ())
    assert not verify_consistency(3, root_of(tree[:3]), 5, root_of(tree), ())
    with pytest.raises(IndexError):
        consistency_proof(tree, 6)


@pytest.mark.parametrize("index", [-1, 3])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(index):
    with pytest.raises(IndexError):
        inclusion_proof(leaves(3), index)


def test_canonical_json_is_one_text_whatever_the_order():
    assert canonical({"b": [1, None, True], "a": {"é": "ü"}}) == '{"a":{"é":"ü"},"b":[1,null,true]}'.encode()
    assert canonical({"a": 1, "b": 2}) == canonical({"b": 2, "a": 1})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_json_is_refused(value):
    with pytest.raises(ValueError):
        canonical({"a": value})


def test_a_checkpoint_body_is_three_lines():
    assert (
        checkpoint_body("id.example.be/journal", 0, EMPTY_ROOT)
        == "id.example.be/journal\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    )


@pytest.mark.parametrize("origin", ["", "a\nb", "a\r"])
def test_an_origin_cannot_forge_a_line(origin):
    with pytest.raises(ValueError):
        checkpoint_body(origin, 1, EMPTY_ROOT)
