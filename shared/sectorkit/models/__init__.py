"""Models: the catalogue, pulling and checking files, the vLLM server, the chat client, the preflight."""
