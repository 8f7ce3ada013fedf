"""Python values and the world: image files, the JSON form, what a link of a type accepts."""
