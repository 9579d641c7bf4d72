"""The panes and bars of the screens, one a file. They draw what they are given and compute nothing."""
