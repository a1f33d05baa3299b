"""Retrieval: documents in, passages found: parse, chunk, embed, index, search, fuse."""
