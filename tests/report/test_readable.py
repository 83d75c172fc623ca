from sonde.report.readable import readable


def test_marks_are_seen_and_long_words_are_cut_with_the_whole_in_a_title():
    word = "&lt;" + "L" * 9_999
    assert readable(f"<td>\u202ea {word} b</td>") == (
        f'<td>\\u202ea <span class="long" title="{word}">&lt;{"L" * 79}…{"L" * 40}</span> b</td>'
    )


def test_what_is_copied_drawn_or_run_stays_whole():
    word = "L" * 10_000
    for kept in (
        f"<code>{word}</code>",
        f"<svg><text>{word}</text></svg>",
        f"<script>{word}</script>",
        f'<i title="{word}">',
    ):
        assert readable(kept) == kept


def test_a_word_of_a_paths_length_may_break_anywhere():
    path = "/a" * 40
    assert readable(path) == f'<span class="long">{path}</span>'
