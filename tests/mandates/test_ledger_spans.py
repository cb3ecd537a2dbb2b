"""Proofs from the roots of complete subtrees, as a store keeps them, against RFC 6962 as it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mandates.ledger import (
    EMPTY_ROOT,
    Frontier,
    TreeHead,
    checkpoint_body,
    consistency_proof,
    consistency_spans,
    inclusion_proof,
    inclusion_spans,
    leaf_hash,
    node_hash,
    read_checkpoint_body,
    root_of,
    root_of_subtrees,
    subtrees,
    verify_consistency,
    verify_inclusion,
)

LEAVES = [leaf_hash(str(number).encode()) for number in range(2050)]
TILE = 256
SIZES = st.integers(1, 80) | st.sampled_from(
    [TILE - 1, TILE, TILE + 1, 2 * TILE - 1, 2 * TILE, 2 * TILE + 1, 1023, 1024, 1025, 2048, 2049]
)


def kept(size):
    """Every complete subtree of a tree that grew leaf by leaf, as `closed_by` names them."""
    roots, frontier = {}, Frontier()
    for leaf in LEAVES[:size]:
        closed = frontier.closed_by(leaf)
        roots |= {(level, frontier.size >> level): root for level, root in enumerate(closed)}
        frontier = frontier.joined(closed)
    return roots


KEPT = kept(len(LEAVES))


def path(index, hashes):
    """PATH of section 2.1.1, as it is written there."""
    if len(hashes) == 1:
        return []
    split = 1 << (len(hashes) - 1).bit_length() - 1
    if index < split:
        return [*path(index, hashes[:split]), root_of(hashes[split:])]
    return [*path(index - split, hashes[split:]), root_of(hashes[:split])]


def proof(old, hashes, whole=True):
    """SUBPROOF of section 2.1.2, as it is written there."""
    if old == len(hashes):
        return [] if whole else [root_of(hashes)]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    if old <= split:
        return [*proof(old, hashes[:split], whole), root_of(hashes[split:])]
    return [*proof(old - split, hashes[split:], False), root_of(hashes[:split])]


def from_kept(spans):
    return tuple(root_of_subtrees([KEPT[one] for one in subtrees(span)]) for span in spans)


@given(SIZES, st.data())
def test_an_inclusion_proof_from_kept_subtrees_is_that_of_the_rfc(size, data):
    index = data.draw(st.integers(0, size - 1) | st.just(size - 1))
    made = from_kept(inclusion_spans(index, size))
    assert list(made) == path(index, LEAVES[:size])
    assert made == inclusion_proof(LEAVES[:size], index)
    assert verify_inclusion(LEAVES[index], index, size, made, root_of(LEAVES[:size]))


@given(SIZES, st.data())
def test_a_consistency_proof_from_kept_subtrees_is_that_of_the_rfc(size, data):
    old = data.draw(st.integers(1, size))
    made = from_kept(consistency_spans(old, size))
    assert list(made) == proof(old, LEAVES[:size])
    assert made == consistency_proof(LEAVES[:size], old)
    assert verify_consistency(old, root_of(LEAVES[:old]), size, root_of(LEAVES[:size]), made)


@pytest.mark.parametrize("size", [1, 2, 3, 255, 256, 257, 1000, 2049])
def test_the_whole_tree_is_its_complete_subtrees(size):
    assert from_kept([(0, size)]) == (root_of(LEAVES[:size]),)


def test_a_leaf_closes_the_subtrees_that_end_with_it():
    three = Frontier().append(LEAVES[0]).append(LEAVES[1]).append(LEAVES[2])
    pair = node_hash(LEAVES[2], LEAVES[3])
    assert three.closed_by(LEAVES[3]) == (
        LEAVES[3],
        pair,
        node_hash(node_hash(LEAVES[0], LEAVES[1]), pair),
    )
    assert Frontier().closed_by(LEAVES[0]) == (LEAVES[0],)


def test_a_tree_that_is_too_small_has_no_proof():
    for spans in (inclusion_spans, consistency_spans):
        with pytest.raises(IndexError):
            spans(4, 3)
        with pytest.raises(IndexError):
            spans(-1, 3)
    assert consistency_spans(0, 3) == ()


def test_the_text_of_a_checkpoint_is_read_back():
    body = checkpoint_body("id.example.be/journal", 7, LEAVES[0])
    assert read_checkpoint_body(body) == TreeHead("id.example.be/journal", 7, LEAVES[0])
    assert read_checkpoint_body(body + "an extension\n").size == 7


@pytest.mark.parametrize(
    "body",
    [
        "",
        "log\n",
        "log\n1\n",
        "\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "log\n01\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "log\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "log\n1\n47DEQpj8HBSa\n",
        "log\n1\nnot base64\n",
    ],
)
def test_anything_else_is_no_checkpoint(body):
    with pytest.raises(ValueError):
        read_checkpoint_body(body)


def test_the_empty_tree_has_no_subtrees():
    assert subtrees((0, 0)) == ()
    assert root_of_subtrees([]) == EMPTY_ROOT
