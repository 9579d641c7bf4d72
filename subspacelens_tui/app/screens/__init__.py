"""The screens: the list of sessions, one session, and the dialogs over them."""
