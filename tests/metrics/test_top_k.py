import torch

from sonde.metrics.top_k import TopRows, shuffled_rank


def test_the_highest_ranks_are_kept_whatever_the_batches() -> None:
    generator = torch.Generator().manual_seed(0)
    rank = torch.randint(0, 20, (200,), generator=generator).float()  # many ties
    index = torch.arange(200)
    expected = sorted(range(200), key=lambda row: (-rank[row].item(), row))[:10]
    for order in (index, index.flip(0), torch.randperm(200, generator=generator)):
        for size in (7, 200):
            one, other = TopRows(10), TopRows(10)
            for number, rows in enumerate(order.split(size)):
                (one if number % 2 else other).update(rank[rows], rows, {"double": 2 * rows})
            one.merge(other)
            assert one.rows["index"].tolist() == expected
            assert one.rows["double"].tolist() == [2 * row for row in expected]


def test_a_shuffled_rank_is_a_fair_sample_without_ties() -> None:
    rank = shuffled_rank(torch.arange(10_000))
    assert len(rank.unique()) == 10_000
    sample = rank.argsort()[:1000]
    assert abs(sample.double().mean().item() - 4999.5) < 300
    assert len((sample // 1000).unique()) == 10
