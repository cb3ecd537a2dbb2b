"""What a flow needs from outside, as Protocols; the records that pass through stand in `records`.

Stores are handed out by a unit of work: everything that one use case reads and
writes stands in one transaction, the journal rows included. The ephemeral store
stands apart: it holds only what may be lost (codes, pushed requests, replay
marks), and losing it never grants anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, BinaryIO, Protocol, Self

from broker.records import (
    ActivationCode,
    Audience,
    BulkJob,
    BulkRow,
    CascadeRecord,
    Checkpoint,
    Client,
    Contact,
    Done,
    Grant,
    JournalEntry,
    JournalLeaf,
    JournalNode,
    LoginRequest,
    MandateVersion,
    NewParty,
    Place,
    PlacedEntry,
    Question,
    RefreshToken,
    Review,
    Session,
    Snapshot,
    StaffRole,
    StatusEntry,
    StatusList,
    UpstreamLogin,
    Use,
    UsePlace,
    VaultedValue,
    Wanted,
)
from config.settings import Settings
from config.vms import VmsFormat
from keys.envelope import VaultKeyRecord
from keys.keyring import KeyRecord, Keyring
from keys.vault import Vault
from mandates.catalogue import Catalogue
from mandates.commitments import Openings
from mandates.events import Event
from mandates.ledger import Subtree
from mandates.model import Caseload, Instant, Mandate, Party
from volmacht_guard import Guard

Clock = Callable[[], Instant]


# --- stores ----------------------------------------------------------------


class PartyStore(Protocol):
    """People and organisations, and the identities that they are known by."""

    def get(self, party: str) -> Party:
        """Raise `NotFoundError` if unknown."""

    def get_many(self, parties: Iterable[str]) -> dict[str, Party]:
        """One query, whatever the number; unknown ids are left out."""

    def find_by_insz_index(self, *indexes: str) -> Party | None:
        """The person under any of these, which are one number's. One query."""

    def find_by_kbo(self, kbo: str) -> Party | None: ...
    def find_by_identity(self, issuer: str, subject: str) -> Party | None: ...
    def identities(self, party: str) -> list[tuple[str, str]]:
        """(issuer, subject) pairs by which the party is known."""

    def insz_sealed(self, party: str) -> str | None: ...
    def insz_sealed_many(self, parties: Iterable[str]) -> dict[str, str]:
        """Party -> its sealed number, of many; those without a number are left out. One query."""

    def add(self, new: NewParty, now: Instant) -> None:
        """Raise `ConflictError` if the id, the number or the KBO is taken."""

    def save(self, party: Party, now: Instant) -> None:
        """Change a stored party's facts (not kind, KBO or number); the version before it is kept."""

    def add_many(self, new: Sequence[NewParty], now: Instant) -> None:
        """All or none. Raise `ConflictError` if an id or a number is taken."""

    def find_by_insz_indexes(self, indexes: Iterable[str]) -> dict[str, Party]:
        """Keyed index -> person, for many at once; unknown ones are left out."""

    def find_by_ovo(self, ovo: str) -> Party | None: ...
    def find_by_kbos(self, kbos: Iterable[str]) -> dict[str, Party]:
        """Enterprise number -> organisation, for many at once; unknown ones are left out."""

    def organisations(self) -> list[Party]:
        """Every organisation, by enterprise number."""

    def save_many(self, parties: Sequence[Party], now: Instant) -> None:
        """As `save`, all or none."""

    def set_insz(self, party: str, index: str, sealed: str) -> None:
        """Give a person the number that she lacks. Raise `ConflictError` if it is taken or she has one."""

    def add_identity(self, issuer: str, subject: str, party: str, now: Instant) -> None:
        """Raise `ConflictError` if (issuer, subject) is known already."""


class MandateStore(Protocol):
    """Mandates, with every version that was ever recorded. Queries pre-select; `mandates.decide` judges.

    "Stored" below means `source = stored`: powers from claims live with a session and are
    left out unless that session is named.
    """

    def find(self, mandate: str) -> Mandate | None: ...
    def get_many(self, mandates: Iterable[str]) -> dict[str, Mandate]: ...
    def add(self, mandate: Mandate, now: Instant) -> None:
        """Raise `ConflictError` if the id is taken, or if another one runs beside it that may not."""

    def add_many(self, mandates: Sequence[Mandate], now: Instant) -> None:
        """All or none, in one statement; errors as `add`."""

    def save(self, mandate: Mandate, now: Instant) -> None:
        """Store the next version, and keep the one before it with the instant that superseded it.

        Raise `ConflictError` unless the stored version is one less, or if another mandate of
        the same type between the same two parties runs beside it and may not (`several`).
        """

    def save_many(self, mandates: Sequence[Mandate], now: Instant) -> None:
        """Raise `ConflictError` if any of them cannot be saved; none is then."""

    def between(self, principal: str, actor: str, session: str | None = None) -> list[Mandate]:
        """Everything that can make a chain principal -> actor.

        That is: mandates principal -> actor, mandates principal -> X for the
        organisations X of which the actor holds a mandate X -> actor, those
        X -> actor themselves, and all that any of them was passed on from. Ended ones
        included; of mandates from claims only those of this session, because no other
        serves it. One query.
        """

    def of_pairs(self, pairs: Iterable[tuple[str, str]]) -> list[Mandate]:
        """Stored mandates and requests (principal, representative), whatever their state. One query."""

    def of_principal(self, principal: str) -> list[Mandate]:
        """What somebody gave; powers of sessions are left out."""

    def of_principals(self, principals: Iterable[str]) -> list[Mandate]:
        """As `of_principal`, of many people. One query."""

    def of_representatives(self, representatives: Iterable[str], session: str | None = None) -> list[Mandate]:
        """Of mandates from claims, those of this session alone."""

    def executors_of(self, actor: str, types: Iterable[str], session: str | None = None) -> list[Mandate]:
        """Mandates of these types of which the actor is the representative, not ended."""

    def of_session(self, session: str) -> list[Mandate]:
        """Mandates with `source = claims` of this session that have not ended."""

    def waiting(
        self, principals: Iterable[str], representatives: Iterable[str], requester: str | None
    ) -> list[Mandate]:
        """Requests neither activated nor ended in which one of these stands, or that she made.

        Oldest first.
        """

    def all_waiting(self, after: tuple[Instant, str] | None, limit: int) -> list[Mandate]:
        """Every such request, for reviewers; oldest first, from after (requested_at, id)."""

    def forebears(self, mandates: Iterable[str]) -> list[Mandate]:
        """All that these were passed on from, at any depth. One query."""

    def descendants(self, mandates: Iterable[str]) -> list[Mandate]:
        """All that was passed on from these, at any depth, ended ones included. One query."""

    def living_of(self, party: str) -> Iterable[Mandate]:
        """Stored ones, not ended and not past their period at `now` is for the caller: she is either party.

        Streamed in the order of ids: a merger may touch 50,000.
        """

    def reach(
        self,
        actor: str,
        organisations: Iterable[str],
        executors: Iterable[str],
        session: str | None,
        wanted: Wanted,
        now: Instant,
        after: Place | None,
        limit: int,
    ) -> list[tuple[Place, Mandate]]:
        """A page of mandates through which the actor may represent somebody, by the principal's name.

        Those to her, those to these organisations, and those to the organisations of these
        executors whose principal is in the executor's caseload. Pre-selected to what can be
        in force now. Costs the same for any page, whatever the number of principals.
        """

    def delegates(
        self, principal: str, wanted: Wanted, now: Instant, after: Place | None, limit: int
    ) -> list[tuple[Place, Mandate]]:
        """A page of what this party gave that can be in force now or later, by the representative's name."""

    def caseloads(self, executors: Iterable[str], principals: Iterable[str]) -> list[Caseload]:
        """Entries of these executors for these principals, removed ones included. One query."""

    def caseload_of(self, executor: str) -> list[Caseload]:
        """Every entry of one executor, removed ones included."""

    def add_to_caseload(self, executor: str, principals: Iterable[str], now: Instant) -> None:
        """Those who are in it already are left as they are."""

    def carry_caseloads(self, heirs: Mapping[str, str], now: Instant) -> None:
        """Give executors the open entries of those that they take over from: old executor -> new."""

    def add_caseloads(self, entries: Iterable[tuple[str, str]], now: Instant) -> None:
        """(executor, principal) pairs, of many executors. One statement."""

    def remove_from_caseload(self, executor: str, principals: Iterable[str], now: Instant) -> int:
        """Returns how many were in it."""

    def versions(self, mandate: str) -> list[MandateVersion]:
        """Every version that was recorded, oldest first."""

    def known_at(
        self, principal: str, known_at: Instant, at: Instant | None = None, actor: str | None = None
    ) -> Snapshot:
        """What this principal gave and the executors of its representatives, as the store knew it then.

        With the parties and caseload entries, of all sessions, of one moment. Of the executors,
        those that could act at `at` (by default the same instant), or all of one actor's if she
        is named.
        """

    def revision(self) -> int:
        """Grows with every commit that changed a mandate, a caseload or a party; inside it not yet."""


class SessionStore(Protocol):
    """Sign-ins at the broker."""

    def add(self, session: Session) -> None: ...
    def find(self, session: str) -> Session | None: ...
    def touch(self, session: str, now: Instant) -> None: ...
    def end(self, session: str, now: Instant) -> None: ...
    def live_of_party(self, party: str) -> list[Session]:
        """Sign-ins of this person that did not end, whether or not their time is over."""


class GrantStore(Protocol):
    """Grants, their refresh tokens, and what people agreed to."""

    def add(self, grant: Grant) -> None: ...
    def find(self, grant: str) -> Grant | None: ...
    def end(self, grants: Iterable[str], reason: str, now: Instant) -> None:
        """End those that have not ended yet."""

    def live_on_mandates(self, mandates: Iterable[str]) -> list[Grant]:
        """Not ended, with one of these as mandate or as executor."""

    def live_of_session(self, session: str) -> list[Grant]: ...
    def live_of_client(self, client: str) -> list[Grant]: ...
    def live_of_party(self, party: str) -> list[Grant]:
        """Not ended, with this party as actor or as principal."""

    def add_refresh_token(self, token: RefreshToken) -> None: ...
    def find_refresh_token(self, token_hash: str) -> RefreshToken | None: ...
    def use_refresh_token(self, token_hash: str, now: Instant) -> bool:
        """Mark it used; False if it was used already. Atomic."""

    def remember_consent(self, party: str, client: str, scopes: Iterable[str], now: Instant) -> None: ...
    def forget_consents(self, client: str) -> None:
        """What people agreed to for this client counts no more: it is gone, or goes elsewhere now."""

    def consented(self, party: str, client: str) -> frozenset[str]:
        """Scopes that this person was shown for this client."""


class StatusStore(Protocol):
    """Allocation and revocation of status indices (tokens.md section 6)."""

    def allocate(self, grant: str, audience: str, exp: Instant, now: Instant) -> StatusEntry:
        """The live entry of (grant, audience), its last_exp raised to `exp`, or a fresh random index.

        Opens the audience's next list when the open one is three quarters full.
        An index is handed out once, also under concurrency.
        """

    def entry(self, status_list: str, index: int) -> StatusEntry | None: ...
    def revoke(self, grants: Iterable[str], now: Instant) -> int:
        """Set the bits of these grants' live entries and raise the lists' versions. Returns how many."""

    def lists(self) -> list[StatusList]: ...
    def find_list(self, status_list: str) -> StatusList | None: ...
    def revoked_indices(self, status_list: str) -> list[int]:
        """Indices of this list whose bit is set, decoys among them."""


class JournalStore(Protocol):
    """Append-only, by database rule."""

    def append(self, events: Sequence[Event], now: Instant) -> None: ...
    def tail(self, limit: int, mandate: str | None = None) -> list[JournalEntry]:
        """Newest first."""

    def unsequenced(self, limit: int) -> list[JournalEntry]:
        """Entries that have no leaf yet, oldest first."""

    def add_leaves(self, leaves: Sequence[JournalLeaf]) -> None: ...
    def add_nodes(self, nodes: Sequence[JournalNode]) -> None: ...
    def tree_size(self) -> int:
        """How many leaves there are."""

    def nodes_at(self, level: int) -> int:
        """How many subtrees of this level are kept."""

    def hashes(self, runs: Sequence[tuple[int, int, int]]) -> dict[Subtree, bytes]:
        """Of these runs (level, first, end), every subtree that is kept; leaves are of level 0"""

    def placed(self, start: int, end: int) -> list[PlacedEntry]:
        """Leaves `start <= index < end` with their rows, in the order of the tree."""

    def placed_of_mandate(self, mandate: str) -> list[PlacedEntry]:
        """As `placed`, of one mandate."""

    def stray(self, limit: int) -> list[int]:
        """`seq` of rows that have no leaf and do not wait for one: slipped in past the triggers."""

    def openings(self, entries: Sequence[JournalEntry]) -> list[Openings]:
        """What each of these is opened with (`mandates.commitments`). One query."""

    def of_party(self, party: str) -> Iterable[JournalEntry]:
        """Rows in which she stands, oldest first, streamed."""

    def add_checkpoint(self, checkpoint: Checkpoint) -> None: ...
    def checkpoints(self, above: int, upto: int) -> list[Checkpoint]:
        """Of sizes `above < size <= upto`, smallest first."""

    def newest_checkpoint(self) -> Checkpoint | None: ...


class DataSubjectStore(Protocol):
    """What is kept of a person, over all tables: shown to her, and erased."""

    def rows_of(self, party: str) -> dict[str, list[dict[str, Any]]]:
        """Table -> rows that refer to the party, as JSON values; secrets, hashes and the journal left out."""

    def mandates_of(self, party: str) -> list[Mandate]:
        """In which she is principal or representative, whatever their state and source."""

    def live_sessions(self, party: str, now: Instant) -> int:
        """How many of her sessions have neither ended nor reached their end."""

    def is_erased(self, party: str) -> bool: ...
    def erase(self, party: str, by: str, now: Instant) -> dict[str, int]:
        """Record the erasure, and blank or remove all that tells who she was. Table -> rows touched."""


class RetentionStore(Protocol):
    """What is past its term (`flows.retention`)."""

    def stale(self, kind: str, before: Instant) -> int:
        """How many things of this kind came to their end before that instant."""

    def clear_stale(self, kind: str, before: Instant, now: Instant, limit: int) -> int:
        """Let at most so many of them go; returns how many."""


class ActivationStore(Protocol):
    """Activation codes, by keyed hash; one for each mandate and capacity."""

    def put(self, code: ActivationCode) -> None:
        """Store it in the place of the one that this capacity had: a new letter kills the old one.

        Raise `ConflictError` if two are made at the same moment.
        """

    def find(self, code_hash: str) -> ActivationCode | None: ...
    def mark_redeemed(self, code_hash: str, now: Instant) -> None: ...


class ContactStore(Protocol):
    """Where letters go."""

    def put(self, contact: Contact) -> None:
        """Replaces what was on record."""

    def find(self, party: str) -> Contact | None: ...


class ReviewStore(Protocol):
    """Cases for the issuer's reviewers."""

    def add_many(self, reviews: Sequence[Review]) -> None:
        """All or none. Raise `ConflictError` if one of the same mandate and kind is undecided already."""

    def find(self, review: str) -> Review | None: ...
    def queue(self, after: tuple[Instant, str] | None, limit: int) -> list[Review]:
        """Undecided ones, oldest first, from after (opened_at, id)."""

    def decide(self, review: Review) -> None:
        """Store the decision. Raise `ConflictError` if it was decided already."""


class UseStore(Protocol):
    """What was done under mandates: lines that services post, and token issues from the journal."""

    def known(self, client: str, jtis: Iterable[str]) -> set[tuple[str, str]]:
        """(jti, operation) that are stored of these. One query."""

    def add_many(self, uses: Sequence[Use], now: Instant) -> None:
        """Those that are stored already are left as they are."""

    def posted_about(self, principal: str, before: UsePlace, limit: int) -> list[Done]:
        """Lines about this principal, newest first."""

    def issued_about(self, principal: str, before: UsePlace, limit: int) -> list[Done]:
        """Tokens that others got to act for this principal, newest first."""


class CascadeStore(Protocol):
    """What happenings changed, until it can no longer be taken back."""

    def add(self, done: CascadeRecord) -> None: ...
    def find(self, cascade: str) -> CascadeRecord | None: ...
    def mark_undone(self, cascade: str, now: Instant) -> None:
        """Raise `ConflictError` if it was undone already."""


class StaffStore(Protocol):
    """Staff roles given by the command line (mandates.md section 2)."""

    def all(self) -> list[StaffRole]: ...
    def roles_of(self, party: str) -> frozenset[str]: ...
    def give(self, role: StaffRole) -> None:
        """Raise `ConflictError` if she has it."""

    def take(self, party: str, role: str) -> bool:
        """False if she did not have it."""


class RegistryStore(Protocol):
    """Clients, audiences, keys and the catalogue: changed by the command line, read by all."""

    def find_client(self, client: str) -> Client | None: ...
    def clients(self) -> list[Client]: ...
    def put_client(self, client: Client) -> None: ...
    def remove_client(self, client: str) -> bool: ...
    def find_audience(self, uri: str) -> Audience | None: ...
    def audiences(self) -> list[Audience]: ...
    def put_audience(self, audience: Audience) -> None: ...
    def keys(self) -> list[KeyRecord]: ...
    def put_key(self, key: KeyRecord) -> None: ...
    def catalogue(self) -> tuple[str, str] | None:
        """(version, TOML text), or None when none was loaded yet."""

    def catalogue_at(self, known_at: Instant) -> tuple[str, str] | None:
        """The catalogue that was in force at this instant; None before the first one."""

    def put_catalogue(self, version: str, text: str, now: Instant) -> None: ...
    def version(self) -> int:
        """Grows with every put or remove; processes compare it to drop their caches."""


class VaultKeyStore(Protocol):
    """The data keys of the vault, wrapped; and everything that is sealed or indexed under one."""

    def all(self) -> list[VaultKeyRecord]:
        """In a write unit nobody adds or drops a key from here until its end."""

    def claim(self) -> None:
        """Wait until no write unit rests on the keys as they are; until commit, none can."""

    def add_missing(self, keys: Sequence[VaultKeyRecord]) -> None:
        """Leave out each whose use has a current key already."""

    def put(self, keys: Sequence[VaultKeyRecord]) -> None:
        """Replace `wrapped` and `retired_at` of stored keys."""

    def drop(self, keys: Iterable[str]) -> None: ...
    def elsewhere(self, place: str, prefix: str, after: str, limit: int) -> list[VaultedValue]:
        """What does not begin with `prefix` in a place (`table.column`), by key, from `after` on."""

    def move(self, place: str, changes: Sequence[tuple[VaultedValue, str]]) -> int:
        """Put the new text in place of each that is still the same. Returns how many were."""


class BulkStore(Protocol):
    """Files that somebody brought, row by row, and how far each was applied."""

    def add_job(self, job: BulkJob) -> None: ...
    def add_rows(self, job: str, rows: Sequence[BulkRow]) -> None: ...
    def complete(self, job: str, rows: int) -> None:
        """Every row is stored: from now on the job is seen."""

    def remove(self, job: str) -> None:
        """Rows and all; of a job that was never completed."""

    def remove_unfinished(self, before: Instant) -> None:
        """Jobs begun before this instant that were never completed: their process is gone."""

    def find(self, job: str) -> BulkJob | None:
        """None also while it is not complete."""

    def of_organisation(self, organisation: str, limit: int) -> list[BulkJob]:
        """Complete ones, newest first."""

    def rows_after(self, job: str, line: int, limit: int) -> list[BulkRow]: ...
    def applied(self, keys: Iterable[str]) -> set[str]:
        """Which of these row keys a mandate was made of, in whatever job. One query."""

    def first_lines(self, job: str, keys: Iterable[str], pairs: Iterable[str]) -> dict[str, int]:
        """Key or pair -> first line of the job that has it. One query."""

    def advance(self, job: BulkJob, applied_to: int, rows: int) -> None:
        """So many more rows are applied, up to this line, from `job.applied_to` on.

        Raise `ConflictError` if another run moved on meanwhile. Nobody else does before the commit.
        """

    def judged(self, job: str, rows: Sequence[BulkRow]) -> None:
        """Store verdicts. Raise `ConflictError` if a row key was applied by another job meanwhile."""

    def validated(self, job: str, now: Instant) -> None: ...
    def finished(self, job: str, now: Instant) -> None:
        """The last row was applied."""

    def counts(self, job: str) -> dict[str, int]:
        """Verdict -> how many rows have it."""


class UnitOfWork(Protocol):
    """One transaction. Leaving it without `commit()` rolls back."""

    parties: PartyStore
    mandates: MandateStore
    sessions: SessionStore
    grants: GrantStore
    status: StatusStore
    journal: JournalStore
    data_subjects: DataSubjectStore
    retention: RetentionStore
    registry: RegistryStore
    bulk: BulkStore
    vault_keys: VaultKeyStore
    activation: ActivationStore
    contacts: ContactStore
    reviews: ReviewStore
    uses: UseStore
    cascades: CascadeStore
    staff: StaffStore

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
    def commit(self) -> int | None:
        """Make everything durable; return the revision that this made, None if it changed no decision."""


class Database(Protocol):
    """Where units of work come from."""

    def write(self) -> UnitOfWork:
        """A transaction that may write (SQLite: BEGIN IMMEDIATE)."""

    def read(self) -> UnitOfWork:
        """A consistent view that never writes; `commit` on it is an error."""

    def look(self, questions: Sequence[Question]) -> Snapshot:
        """Everything that can make the chains asked about, as `MandateStore.between` for each.

        With all parties and caseload entries that they need: one statement, one round trip, one moment.
        """

    def upgrade(self) -> None:
        """Bring the schema to the newest migration."""

    def schema_is_current(self) -> bool: ...
    def close(self) -> None: ...


class EphemeralStore(Protocol):
    """What may be lost. Every value is a JSON object; every key has a time to live in seconds."""

    def put(self, kind: str, key: str, value: Mapping[str, Any], ttl: int) -> None: ...
    def get(self, kind: str, key: str) -> dict[str, Any] | None: ...
    def replace(self, kind: str, key: str, value: Mapping[str, Any], ttl: int) -> bool:
        """Store only if the key is there, in one atomic step: what was taken does not come back."""

    def take(self, kind: str, key: str) -> dict[str, Any] | None:
        """Read and delete in one atomic step: of two callers one gets it."""

    def claim(self, kind: str, key: str, ttl: int) -> bool:
        """Set if absent, atomically: True for the first caller within `ttl` seconds only."""

    def epoch(self) -> Instant:
        """When this store began to remember. A replay mark older than this may be lost."""

    def ping(self) -> None:
        """Raise `UnavailableError` if the store is away."""


class Upstream(Protocol):
    """An identity provider that people are sent to."""

    issuer: str

    def start(self, *, state: str, redirect_uri: str, force: bool = False) -> LoginRequest: ...
    def finish(
        self,
        unverified_response: Mapping[str, str],
        memory: Mapping[str, Any],
        redirect_uri: str,
        now: Instant,
    ) -> UpstreamLogin:
        """Redeem the code once and verify the ID token in full. Raise `UpstreamError`."""

    def logout_url(self, post_logout_redirect_uri: str, state: str) -> str | None: ...
    def check(self) -> str:
        """Fetch the metadata; one sentence on what was found. Raise `UpstreamError`."""


class NumberChecks(Protocol):
    """Check digits of Belgian numbers (python-stdnum, behind a port)."""

    def insz(self, typed: str) -> str:
        """The eleven digits; raise `InvalidTypedNumberError`."""

    def kbo(self, typed: str) -> str:
        """The ten digits; raise `InvalidTypedNumberError`."""

    def adult_at(self, insz: str) -> Instant | None:
        """When the holder of a checked number turns eighteen; None if the number does not say."""


class Spreadsheets(Protocol):
    """Workbooks of Excel, row by row."""

    def read(self, file: BinaryIO) -> Iterable[tuple[int, tuple[str, ...]]]:
        """Rows that are not empty as (number, texts). Raise `UnreadableFileError`."""

    def write(self, out: BinaryIO, rows: Iterable[Sequence[str]]) -> None: ...


# --- everything together ---------------------------------------------------


@dataclass(frozen=True, slots=True)
class Services:
    """What a use case may reach. Built once, in `wiring`."""

    settings: Settings
    clock: Clock
    database: Database
    ephemeral: EphemeralStore
    vault: Vault
    keyring: Callable[[], Keyring]
    catalogue: Callable[[], Catalogue]
    upstream: Upstream
    numbers: NumberChecks
    spreadsheets: Spreadsheets
    vms: VmsFormat
    guard: Callable[[str], Guard]
    """The verifier of our own tokens for one audience; the same that voucher services use."""
