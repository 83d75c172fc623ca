from sonde.tasks.language_model.figures import place_figure, written_texts


def test_samples_are_told_with_how_they_were_drawn() -> None:
    samples = [{"temperature": 0.5, "text": "to be\nor <not>"}, {"temperature": 1.0, "text": "to"}]
    assert written_texts({"written": samples}) == [
        ("temperature 0.50", "to be\nor <not>"),
        ("temperature 1.0", "to"),
    ]


def test_a_folder_without_samples_has_none() -> None:
    assert written_texts({}) == []
    assert written_texts({"written": {"torn": 1}}) == []
    assert place_figure({}) is None
    assert place_figure({"by_place": {"nats": [2.0, None], "count": [3, 0]}}) is None


def test_loss_is_drawn_over_the_tokens_seen() -> None:
    figure = place_figure({"by_place": {"nats": [3.0, 2.0, None, 1.5], "count": [9, 9, 0, 4]}})
    assert figure is not None
    assert figure.title == "Loss by context length"
    assert "tokens of context" in figure.svg
    assert "loss (nats per token)" in figure.svg
    assert "3.00" in figure.svg
