"""Names of layers and tensors in the file."""

from __future__ import annotations

from edgeq_host.export.body import short_name


def test_a_name_of_sixty_characters_stays_and_a_longer_one_shows_its_end_behind_two_dots() -> None:
    assert short_name("a" * 60) == "a" * 60
    assert short_name("b" + "a" * 60) == ".." + "a" * 58


def test_of_names_that_were_joined_the_last_stands() -> None:
    assert short_name("model/conv;model/relu;") == "model/relu"
