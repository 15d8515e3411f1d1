"""The screens: one blueprint a screen, its form reading beside it."""
