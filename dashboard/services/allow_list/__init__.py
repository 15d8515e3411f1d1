"""The allow-list: what is never un-verified. Asked when flagging and again at the moment of applying (`ask`)."""
