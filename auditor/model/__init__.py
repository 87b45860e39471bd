"""The vocabulary that all parts share: immutable values with small pure methods. No input, no output, no clock."""
