"""What staff see: one blueprint a screen, its forms beside it."""
