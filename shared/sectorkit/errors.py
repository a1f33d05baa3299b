"""Every error that Sectorkit raises on purpose.

    SectorkitError
    ├── ConfigurationError       a setting is missing, malformed or contradicts another
    ├── UnknownName              a name that is not in a closed list (app, model, mode)
    ├── ModelError
    │   ├── PullError            a model's files could not be fetched or converted
    │   ├── CorruptModel         a file's SHA-256 is not the catalogue's
    │   ├── ServerStartError     the model server did not become ready
    │   └── ServerUnavailable    nothing answers at the model server's URL
    ├── DocumentError            one document cannot be read; the rest goes on
    ├── StoreError
    │   ├── IndexMissing         no index here yet
    │   ├── IndexMismatch        made by another embedder or chunking
    │   ├── IndexBusy            another process is writing it
    │   └── StoreBroken          its files or its server fail: damaged, full, unreachable
    └── RequestError             a question that cannot be answered as it stands

An error's text says what happened, to what, and the next step. It is shown to the user as it is, without a
traceback; anything that is not a `SectorkitError` is a bug and crashes.
"""


class SectorkitError(Exception):
    """Base of all expected errors: its text is fit to show to a user."""


class ConfigurationError(SectorkitError):
    """A setting is missing, malformed or contradicts another."""


class UnknownName(SectorkitError):
    """A name outside a closed list; the text lists the valid ones."""

    def __init__(self, kind: str, name: str, known: list[str]) -> None:
        super().__init__(f"unknown {kind} {name!r}; known: {', '.join(sorted(known)) or 'none'}")
        self.kind, self.name, self.known = kind, name, known


class ModelError(SectorkitError):
    """Something about a model's files or its server."""


class PullError(ModelError):
    """A model's files could not be fetched or converted."""


class CorruptModel(ModelError):
    """A model file's SHA-256 is not the one in the catalogue."""


class ServerStartError(ModelError):
    """The model server did not become ready; the text ends with its log's last lines."""


class ServerUnavailable(ModelError):
    """Nothing answers at the model server's URL, or it stopped in mid-answer."""


class DocumentError(SectorkitError):
    """One document cannot be read. A sync reports it and goes on."""


class StoreError(SectorkitError):
    """Something about an index as a whole."""


class IndexMissing(StoreError):
    """There is no index here yet."""


class IndexMismatch(StoreError):
    """The index was made by another embedder, revision or chunking."""


class IndexBusy(StoreError):
    """Another process holds the index's write lock."""


class StoreBroken(StoreError):
    """An index's files or its server fail: damaged, on a full disk, or unreachable."""


class RequestError(SectorkitError):
    """A question that cannot be answered as it stands (empty, far too long, an unknown filter)."""
