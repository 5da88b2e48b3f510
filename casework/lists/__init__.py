"""Lists of establishments as people have them: read, mapped to fields, checked row by row, given back."""
