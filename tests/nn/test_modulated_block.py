import torch

from sonde.nn.modulated_block import ModulatedBlock


def test_it_begins_as_its_input_and_a_condition_for_all_rows_is_that_of_each() -> None:
    torch.manual_seed(0)
    block, given, condition = ModulatedBlock(8, 5), torch.randn(3, 4, 8), torch.randn(3, 1, 5)
    torch.testing.assert_close(block(given, condition), given)
    torch.nn.init.normal_(block.condition.weight)
    found = block(given, condition)
    torch.testing.assert_close(found, block(given, condition.expand(3, 4, 5)))
    assert not torch.allclose(found, given)
