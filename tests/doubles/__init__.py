"""Stand-ins for servers that misbehave; they share no code with what they check."""
