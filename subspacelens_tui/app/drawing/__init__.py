"""Drawing in cells: plots, colours, text cut to width, and images in half-blocks, sixels or Kitty's way."""
