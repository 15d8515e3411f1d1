"""Import of accounts, addresses and packages from a source's files.

A file is read twice over, but parsed once. `survey` reads and judges every row before anything is written: good rows
go to an anonymous spool file in chunks, bad ones to the rejects file. Only a file with at most 5 % bad rows is then
merged, chunk by chunk in short transactions, so a bad file leaves nothing behind and nothing due. A merge changes
only what differs: the same file twice changes nothing. A killed import goes on after its last committed chunk.
"""

from dashboard.services.importing.rejects import MAX_REJECTED_SHARE, Rejects
from dashboard.services.importing.result import ImportProgress, ImportRefusedError, ImportResult
from dashboard.services.importing.run import Import, Transactions, import_accounts, import_packages

__all__ = [
    "MAX_REJECTED_SHARE",
    "Import",
    "ImportProgress",
    "ImportRefusedError",
    "ImportResult",
    "Rejects",
    "Transactions",
    "import_accounts",
    "import_packages",
]
