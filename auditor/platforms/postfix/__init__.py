"""Postfix: what is read on the server, what it means, and the words that rules have for it."""
