"""Tests that need an accelerator say so where there is none."""

import pytest
import torch

needs_cuda = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="no CUDA device: nothing was tried on an accelerator"
)
