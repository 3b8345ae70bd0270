"""Results of texts that are not made again."""

from __future__ import annotations

from prerank.surrogate.remembered import remembered


def test_a_result_is_made_once_of_short_and_of_long_texts() -> None:
    made: list[str] = []

    @remembered
    def length(text: str) -> int:
        """How long it is."""
        made.append(text)
        return len(text)

    assert [length(text) for text in ("a", "a", "b" * 5000, "b" * 5000)] == [1, 1, 5000, 5000]
    assert len(made) == 2
    assert length.__doc__ == "How long it is."


def test_of_long_texts_few_are_kept() -> None:
    made: list[str] = []

    @remembered
    def note(text: str) -> None:
        made.append(text)

    texts = [f"{number} " * 1000 for number in range(1000, 1500)]
    for text in (*texts, texts[-1], texts[0]):
        note(text)
    assert len(made) == 501
