"""What an e-mail means: bytes in, meaning out, without any input or output of its own."""
