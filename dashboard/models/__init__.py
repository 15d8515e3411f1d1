"""The tables, one aggregate a file."""

from dashboard.models.account import Account, AccountPackage, Address, Package, SecurityEvent
from dashboard.models.allow_list import AllowKind, AllowListEntry, Reveal
from dashboard.models.audit import AuditEntry, AuditHead
from dashboard.models.brake import Brake, LapseCount
from dashboard.models.bulk import BulkAction, BulkAddress, BulkItem, BulkKind, BulkState, ItemState
from dashboard.models.case import (
    PENDING,
    Case,
    CaseOpening,
    CaseState,
    Decision,
    DecisionKind,
    Unverification,
    UnverificationState,
)
from dashboard.models.dependency import Dependency, DependencyLapse
from dashboard.models.desk import CaseNote, Mention, NoteTemplate, ReasonCode
from dashboard.models.domain import (
    Check,
    CheckBatch,
    Domain,
    EvidenceRecord,
    LifecycleEvent,
    ProviderCount,
    RegistrationPeriod,
)
from dashboard.models.notice import EarlyWarning, Notice, NoticeKind, TakeoverReport
from dashboard.models.policy import PolicyVersion
from dashboard.models.source import ApiToken, ImportRun, Source
from dashboard.models.staff import Marker, Role, SetupCode, SignInThrottle, Staff, StaffSession
from dashboard.models.statistics import MonthFigures
from dashboard.models.sweep import Sweep, SweepBatch
from dashboard.models.triage import CaseSkip, Claim, SavedView, SetAside, SetAsideKind

__all__ = [
    "PENDING",
    "Account",
    "AccountPackage",
    "Address",
    "AllowKind",
    "AllowListEntry",
    "ApiToken",
    "AuditEntry",
    "AuditHead",
    "Brake",
    "BulkAction",
    "BulkAddress",
    "BulkItem",
    "BulkKind",
    "BulkState",
    "Case",
    "CaseNote",
    "CaseOpening",
    "CaseSkip",
    "CaseState",
    "Check",
    "CheckBatch",
    "Claim",
    "Decision",
    "DecisionKind",
    "Dependency",
    "DependencyLapse",
    "Domain",
    "EarlyWarning",
    "EvidenceRecord",
    "ImportRun",
    "ItemState",
    "LapseCount",
    "LifecycleEvent",
    "Marker",
    "Mention",
    "MonthFigures",
    "NoteTemplate",
    "Notice",
    "NoticeKind",
    "Package",
    "PolicyVersion",
    "ProviderCount",
    "ReasonCode",
    "RegistrationPeriod",
    "Reveal",
    "Role",
    "SavedView",
    "SecurityEvent",
    "SetAside",
    "SetAsideKind",
    "SetupCode",
    "SignInThrottle",
    "Source",
    "Staff",
    "StaffSession",
    "Sweep",
    "SweepBatch",
    "TakeoverReport",
    "Unverification",
    "UnverificationState",
]
