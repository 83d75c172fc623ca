import torch
import torch.nn.functional as F

from sonde.nn.masked_tokens import MaskedTokenHead


def test_logits_are_likenesses_to_the_embeddings() -> None:
    torch.manual_seed(0)
    head, words, hidden = MaskedTokenHead(8, 5), torch.randn(5, 8), torch.randn(3, 8)
    torch.nn.init.normal_(head.bias)
    inner = F.gelu(hidden @ head.dense.weight.T + head.dense.bias)
    inner = (inner - inner.mean(1, keepdim=True)) / inner.var(1, correction=0, keepdim=True).sqrt()
    expected = torch.stack([(inner * word).sum(1) for word in words], 1) + head.bias
    torch.testing.assert_close(head(hidden, words), expected, atol=1e-5, rtol=1e-4)
