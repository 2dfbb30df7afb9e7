"""Every bound of the program: value, unit, reason.

Names end in their unit. A bound that a user may set has its default here and its option in
settings/.
"""

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * 1024

# --- scripts ---------------------------------------------------------------------------------
SCRIPT_MEMORY_BYTES: Final = 64 * MIB  # beyond the document, per script (README.md)
SCRIPT_STACK_BYTES: Final = 1 * MIB  # of the engine, per script (README.md)
CHILD_STACK_BYTES: Final = (
    4 * MIB
)  # of a child's C stack: the engine's, and three times as much for what it calls
SEARCH_TIMEOUT_S: Final = 10.0  # wall time from the start of the script (README.md)
EXECUTE_TIMEOUT_S: Final = 30.0  # wall time with the waiting for the API in it (README.md)
SCRIPT_CPU_S: Final = 10.0  # CPU time of a child, both tools
CODE_BYTES_DEFAULT: Final = 1_048_576  # --max-code-size (README.md)
CODE_BYTES_MAX: Final = 4 * MIB  # the most --max-code-size takes: a request with it, escaped, has 24 MiB
RESULT_TOKENS_DEFAULT: Final = 8_000  # --max-result-tokens (README.md)
CHARS_PER_TOKEN: Final = 4
RESULT_TOKENS_MIN: Final = 250  # the least --max-result-tokens takes: room for what a cut result says
RESULT_BYTES: Final = 16 * MIB  # JSON text of what a script returns; more is an error of the script
RESULT_TOKENS_MAX: Final = RESULT_BYTES // CHARS_PER_TOKEN  # the most --max-result-tokens takes: all of it
ADVISED_AT_ONCE_CHARS: Final = 2_000  # advice on a longer script is sought in a thread: 1 ms a page
TRIM_BYTES: Final = (
    4 * MIB
)  # of results, bodies and answers, after which freed memory goes back to the system
TRIM_DELAY_S: Final = 1.0  # so long after that: a burst is over by then, or goes on
FITTED_AT_ONCE_BYTES: Final = 256 * KIB  # a longer result is fitted in a thread: that may take a second
RESULT_SIGNS: Final = 2_000_000  # brackets, commas and strings looked at in one; 16 MiB hold as many
RESULT_PLACES: Final = 65_536  # of values that are remembered of one depth of it
RESULT_DEPTH: Final = 16  # containers below it are shown whole or not at all
WRITES_LISTED: Final = 20  # of a failed run, one by one; the others are counted
WRITE_TARGET_CHARS: Final = 160  # path and query of one of them
LOGS_BYTES: Final = 256 * KIB  # console output kept per script; the rest is cut and counted
LOG_LINE_CHARS: Final = 16 * KIB  # one console line
SCRIPT_RANDOM_BYTES: Final = 8 * KIB  # what crypto.getRandomValues has to give in one script
SCRIPT_MESSAGE_CHARS: Final = 4_000  # the message of an error that a script throws
SCRIPT_STACK_CHARS: Final = 8_000  # the stack of such an error
ERROR_FIELDS_CHARS: Final = 16 * KIB  # what an uncaught OvhError carries, as JSON text
CALLS_PER_SCRIPT: Final = 1_000  # API calls one script may make in all
CALLS_IN_FLIGHT_PER_SCRIPT: Final = 10
LOOKUPS_PER_SCRIPT: Final = 100  # ovh.find and ovh.describe; 1 to 20 ms of the server's CPU each
LOOKUPS_IN_FLIGHT_PER_SCRIPT: Final = 4
LOOKUPS_AT_ONCE: Final = 1  # of the whole server, in a thread: two were no faster, and others waited longer
LIST_PAGE: Final = 500  # items asked for at once, of v2 and of a v1 list that is expanded
LIST_LIMIT_MAX: Final = 100_000  # what a script may ask for; the time and the size of an answer end it sooner
LIST_BYTES: Final = 7 * MIB  # of the items of one list: they are one answer to the script (ANSWER_BYTES)
LIST_MARGIN_S: Final = 3.0  # of the script's time is left to it when a list or a wait ends early
LIST_EXPANSION_DOUBTED_S: Final = (
    300.0  # a list is not expanded after the API failed at it, but gave it plain
)
LIST_REPORT_S: Final = 1.0  # between two reports of progress
FILTER_FIELDS: Final = 20  # conditions of one filter, and values that one may name
LISTS_NOT_EXPANDED: Final = 10_000  # operations remembered as such; the catalogue has fewer
WAIT_INTERVAL_S: Final = 1.0  # between the first two looks at what is waited for
WAIT_GROWTH: Final = 1.5  # each further interval is so much longer
WAIT_INTERVAL_MAX_S: Final = 10.0
WAIT_FAILURES: Final = 3  # looks that may fail one after the other
DESCRIBED_AT_ONCE: Final = 20  # operations in one lookup; as many texts fill a result and more
RESOLVE_DEPTH_DEFAULT: Final = 3  # references below each other that ovh.resolve follows
RESOLVE_DEPTH_MAX: Final = 10
RESOLVED_VALUES: Final = 20_000  # in what it returns, before it follows no further reference
CALLS_IN_FLIGHT: Final = 50  # of the whole server: with more, latency only grows
SCRIPTS_RUNNING: Final = 32  # executes at a time, most of them waiting for the API; see cores.py for searches
SCRIPTS_RUNNING_PER_CLIENT: Final = 24  # of them for one client, so that another finds a place at once
CORES_RESERVED: Final = 4  # beyond those there are, one each for clients that hold none
CORE_TURN_S: Final = 0.3  # who has computed for longer makes room for who waits; a search takes some 10 ms
SCRIPTS_QUEUED: Final = 1_024  # scripts that wait for a place before "busy"
SCRIPTS_QUEUED_PER_CLIENT: Final = 256  # of them from one client
QUEUE_WAIT_S: Final = 50.0  # for a turn before "busy": clients give a call up after 60 s
STANDSTILL_S: Final = 120.0  # of a script's clock in all, while it waits for its turn
KILL_MARGIN_S: Final = 0.3  # SIGKILL comes this long after the engine's own interrupt should have
ZYGOTE_START_S: Final = 20.0  # start of the zygote with the document, on a slow machine
SPARE_DELAY_S: Final = 0.02  # most searches have ended by then; a longer script gets a spare beside it
SPARE_AFTER_S: Final = 0.002  # from the end of a script to the next spare: its answer goes first
CHILD_START_S: Final = 5.0  # fork and walls of a child
CHILD_END_S: Final = 5.0  # from SIGKILL to the word that the child is gone
UNAWAITED_WRITE_S: Final = 20.0  # a write in flight when its script ends is awaited this long
GRACE_S: Final = 2.0  # what running calls get when the server stops

# --- frames between the server and a child -----------------------------------------------------
CALL_BYTES: Final = 4 * MIB  # one API call as a script asks for it: path, params, body
LOOKUP_BYTES: Final = 64 * KIB  # one lookup likewise; DESCRIBED_AT_ONCE operations have 2 KiB

# --- the OVH API ---------------------------------------------------------------------------------
ANSWER_BYTES: Final = 8 * MIB  # an answer beyond it cannot be parsed in a script's memory
PATH_CHARS: Final = 4_096  # of a call, after substitution of its parameters
PATH_DECODINGS: Final = 5  # readings of a segment, each decoded once more; an honest one changes once at most
QUERY_CHARS: Final = 16_384
HEADER_CHARS: Final = 4_096  # one header value
VALIDATORS_KEPT: Final = 256  # compiled ones of operations; one has 14 KB on average
CHECKED_AT_ONCE_BYTES: Final = 4 * KIB  # a longer body is compared in a thread: this one takes 13 ms at worst
ALL_FAULTS_BYTES: Final = 16 * KIB  # of a longer body not all faults are told: each costs 7 µs, or 60 ms here
LARGE_CHECKED_AT_ONCE: Final = 1  # bodies that long, of the whole server: parsed, one of 4 MiB may have 70 MB
THIN_ELEMENTS: Final = 20  # of each list in a body that long, where its faults are looked for first
THIN_VALUES: Final = 2_000  # of all that is looked at for it
SIGNATURE_CHARS: Final = 600  # what an operation takes, on one line in a refusal
FAULTS_FOUND: Final = 20  # that are told of one request; who has more has another operation in mind
READ_ONLY_FOUND: Final = (
    100  # read-only fields of one body that are looked at, where it is no longer than that
)
READS_KEPT: Final = 32  # answers to a run's GETs, to tell which read-only fields of a body were changed
READ_KEPT_BYTES: Final = 16 * KIB  # one of them; a longer one is a list, which nobody writes back
REMARKS_TOLD: Final = 8  # notes on the calls of one run
CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 20.0  # between two pieces of an answer
TOTAL_TIMEOUT_S: Final = 28.0  # one call with all it takes; below a script's 30 s, so that it sees the error
RETRY_ATTEMPTS: Final = 4  # of one request, where asking again may help and its time allows it
RETRY_ATTEMPTS_PACED: Final = 20  # where the API only says that it is too early (429)
RETRY_WAIT_S: Final = 0.5  # before the second one at most, doubled for each further one; half of it is random
RETRY_WAIT_MAX_S: Final = 4.0
RETRY_AFTER_MAX_S: Final = 3_600.0  # of a Retry-After; beyond a script's time it is told, not waited for
SCRIPT_LAST_S: Final = 0.5  # of its time a script keeps, so that it sees the error of its last call
CLOCK_JUMP_S: Final = 2.0  # between wall clock and monotonic clock: the machine slept, or was set right
CLOCK_DOUBTED_S: Final = 30.0  # a clock that the API refuses is measured again once in this time
DISCOVERY_MAX_AGE_S: Final = 21_600.0  # the token URL is looked up again after this long
TOKEN_LIFETIME_MAX_S: Final = 86_400.0  # a token that says it lives longer is renewed after that
POOL_CONNECTIONS: Final = (
    10  # kept together; each idle one is looked at whenever one of their calls comes or goes
)
KEEPALIVE_S: Final = 15.0  # an idle connection is kept this long, for the next call of a script
TOKEN_RENEWAL_MARGIN_S: Final = 30.0  # an OAuth2 token is renewed this long before it expires
TOKEN_LIFETIME_DEFAULT_S: Final = 3_600.0  # of a token whose answer does not say how long it lives
TOKEN_FORCED_RENEWAL_S: Final = 60.0  # a token that the API refuses is renewed at most once in this time
TOKEN_REVOKED_RENEWAL_S: Final = 2.0  # the same for one that the API took before, which was revoked since
TOKEN_CHARS: Final = 16_384  # an OAuth2 token; servers refuse longer headers
TOKEN_ANSWER_BYTES: Final = 256 * KIB  # discovery, token and time answers
TOKEN_REJECTED_S: Final = 60.0  # credentials that were refused are not tried again for this long
REDACTED_TOKENS: Final = 2  # tokens that are kept out of texts: the one in use, and the one before it
CREDENTIAL_CHARS: Final = 4_096  # one key, secret or token that a user sets; OVHcloud's keys have 32
ERROR_DETAILS_BYTES: Final = 4 * KIB  # `details` of an API error; larger ones are left out
ERROR_PAGE_BYTES: Final = 4 * KIB  # what is looked at of an answer that is no JSON: it has the title
CONFIG_FILE_BYTES: Final = 1 * MIB  # one ovh.conf
QUESTION_TIMEOUT_S_DEFAULT: Final = 50  # for a person's answer within a request: clients give up at 60
QUESTION_TIMEOUT_S_MAX: Final = 3_600
QUESTION_GATHER_S: Final = 0.05  # questions that come together are shown together
QUESTIONS_AT_ONCE: Final = 10  # in one form
QUESTION_CHARS: Final = 900  # one of them
QUESTION_FIELDS: Final = 8  # of a body, or of what is there now
QUESTION_BODY_BYTES: Final = 64 * KIB  # a larger body, or state, is not shown
QUESTION_STATE_S: Final = 3.0  # looking for what is there now
QUESTION_ROUNDS: Final = 8  # of one script: clients stop at 10
PARKED_SCRIPTS: Final = 16  # that wait for a person between two requests, of 32 that may run
PARKED_S: Final = 600.0  # one of them
RISK_RULES_BYTES: Final = 64 * KIB  # a user's own; they are an argument of the process that builds
JOURNAL_WAIT_S: Final = 5.0  # for the journal's file, which others may be writing
JOURNAL_BODY_BYTES: Final = 64 * KIB  # a longer body, state or answer is only counted
JOURNAL_ENTRIES: Final = 100_000  # writes that are kept
JOURNAL_DAYS_DEFAULT: Final = 365  # for so long
JOURNAL_DAYS_MAX: Final = 36_500
JOURNAL_MIB_DEFAULT: Final = 256  # its file; beyond it the oldest writes go
JOURNAL_MIB_MAX: Final = 16_384
JOURNAL_TRIMMED_EVERY: Final = 1_000  # writes, and with the first
JOURNAL_SHOWN: Final = 50  # writes that are listed, unless asked for more
UNKNOWN: Final = "‹unknown›"  # in a dry run, for what only a real answer would tell
UNKNOWN_DEPTH: Final = 3  # objects below each other that a dry run makes up
DRY_RUN_LISTED: Final = 50  # requests that would have been sent
ACCOUNTS: Final = 16  # of one server
POLICY_BYTES: Final = 256 * KIB  # one policy file
POLICY_RULES: Final = 500  # of one policy; each call is compared with all of them
POLICY_TEXT_CHARS: Final = 300  # one text of a policy: a path, a value, a reason
READINGS: Final = 16  # ways to read a path whose values hold slashes; one with more is not let through
CLOCK_TOLERANCE_S: Final = 20.0  # a signed time further off is called drift; OVHcloud takes some 30 s
DIAGNOSIS_TIMEOUT_S: Final = 4.0  # looking for the cause of a refusal: three requests at most
DIAGNOSIS_AGE_S: Final = 30.0  # what was found is told for so long before it is looked for again
IDENTITY_AGE_S: Final = 600.0  # likewise who asks, which changes with a restart only
DENIED_ACTIONS: Final = 10  # IAM actions of one refusal that are read; no operation has more
ACTION_CHARS: Final = 200  # one of them; the longest real one has 100
RULE_CHARS: Final = 300  # the path of a consumer key's rule; a longer one is written with *
LOGIN_WAIT_S: Final = 600.0  # for a person who logs in at OVHcloud, with a second factor, and validates
LOGIN_POLL_S: Final = 1.0  # between the first two looks whether it was validated
LOGIN_LOOKS: Final = 4  # at a key that somebody has already, while nothing answers
LOGIN_FIRST_LOOK_S: Final = 5.0  # at a key that was just requested, while a person waits for the link
LOGIN_REVOKE_S: Final = 5.0  # for a requested key to be revoked where login is interrupted
LOGIN_POLL_GROWTH: Final = 1.3  # each further interval is so much longer
LOGIN_POLL_MAX_S: Final = 4.0  # OVHcloud's advice is 60 requests a minute at most
DOCTOR_CHECK_S: Final = 15.0  # one check of doctor: some requests with their retries
DOCTOR_PORT_S: Final = 3.0  # for whoever holds the port to say who it is
EXPIRES_SOON_S: Final = 7 * 86_400.0  # a key that ends within it is noted
KEYRING_WAIT_S: Final = 60.0  # for a person to unlock the system's keyring, which may ask for a password
LOGIN_RULES: Final = 50  # of a consumer key that is asked for
VALIDATION_URL_CHARS: Final = 2_048  # of the page that a person opens; browsers take no longer one
CLOCK_MAX_AGE_S: Final = 3_600.0  # the server's time is asked again after this long

# --- the catalogue -------------------------------------------------------------------------------
FETCH_CONCURRENCY: Final = 16  # services fetched at a time
SCHEMA_BYTES: Final = 32 * MIB  # one native schema; the largest real one has 3.9 MB
SCHEMAS_BYTES: Final = 256 * MIB  # all native schemas of one build; the real ones have 17 MB
INDEX_BYTES: Final = 1 * MIB
SERVICES: Final = 1_000  # in one index; the real catalogue has 84
SCHEMA_FETCH_TIMEOUT_S: Final = 60.0  # one schema with its retries
FETCH_ATTEMPTS: Final = 4  # of one schema, where asking again may help
FETCH_WAIT_S: Final = 0.2  # before the second attempt; doubled before each further one
FETCH_WAIT_MAX_S: Final = 5.0  # before any attempt
FETCH_WAIT_JITTER_S: Final = 0.3  # at random on top, so that 16 failed fetches do not come back as one
ETAG_CHARS: Final = 256  # of one that is kept and sent back; usual ones have 40
TYPE_CHARS: Final = 512  # one type expression of a schema; the longest real one has 98
TYPE_DEPTH: Final = 16  # of one; the deepest real one has 3
TYPE_PARTS: Final = 128  # names and brackets of one; a generic model that contains itself grows without end
TYPES_CACHED: Final = 8_192  # parsed ones that are kept; the real catalogue has 5,400
GENERIC_MODELS: Final = 1_000  # in use in one service; the real catalogue has 4 at most
BUILD_TIMEOUT_S: Final = 300.0  # a whole build
BUILD_REPORT_LINE_BYTES: Final = 16 * KIB  # one line of what a builder says; an honest one has 2 KiB at most
BUILD_LOCK_POLL_S: Final = 0.1  # how often a server looks whether another one's build has ended
BUILD_RETRY_S: Final = 10.0  # after a failed build, the next one begins no sooner
FIRST_BUILD_WAIT_S: Final = 25.0  # what a tool waits for the first build before it says "still building"
CATALOG_TTL_S_DEFAULT: Final = 86_400  # --cache-ttl (README.md)
CATALOG_TTL_S_MAX: Final = 315_360_000  # the most --cache-ttl takes: ten years
RENEWAL_PAUSE_S: Final = 1.0  # between two looks at an expired catalogue at least, whatever its lifetime
RETRY_FAILED_SERVICES_S: Final = 300.0  # a catalogue with missing services counts as fresh this long
CATALOG_FILE_BYTES: Final = 512 * MIB  # a cache file beyond it is not ours
DOCUMENT_PIECE_BYTES: Final = 256 * KIB  # of the document in one row, so that a reader need not hold it whole
FIND_CHARS: Final = 400  # of the words that are looked for; the rest is not read
FIND_WORDS: Final = 20  # of them that are looked at
FIND_SLIPS: Final = 3  # words of one search that are corrected; each costs 0.1 to 0.4 ms
FIND_SPELLINGS: Final = 12  # corrections that are compared for one word
FIND_CANDIDATES: Final = 200  # operations that are ranked; each costs 0.006 ms
FIND_ROWS: Final = 800  # matches of all stems of one search; each costs a microsecond
FIND_STEMS: Final = 20  # alternatives of all words together that are looked up
FIND_FOUND: Final = 50  # operations that one search gives at most
FIND_ABOUT_CHARS: Final = 400  # of an operation's summary and description that are indexed
FIND_FIELDS: Final = 40  # stems of the names of an operation's fields that are indexed
STEMS_CACHED: Final = 16_384  # the complete catalogue has 6,000 words
DESCRIBE_TOKENS: Final = 600  # what is told of one operation
OPERATIONS_CACHED: Final = 256  # decoded operations that are kept; one has about 2 KB

# --- words ---------------------------------------------------------------------------------------
MESSAGE_CHARS: Final = 400  # an error's message for a model, and its hint
FOREIGN_TEXT_CHARS: Final = 200  # text from outside inside a message of ours
ADVICE_CHARS: Final = 8 * KIB  # of a script that are looked at for a hint, around the place of the error
LOOKED_AT_CHARS: Final = 8 * KIB  # of a script, for the names of services that are not loaded
ANSWERS_SEEN: Final = 64  # answers to one script whose shape is remembered for a hint
ANSWER_SEEN_BYTES: Final = 64 * KIB  # a longer answer is not looked at for it
INSTRUCTIONS_CHARS: Final = 2_000  # the server's instructions (clients cut at 2,048)

# --- HTTP ------------------------------------------------------------------------------------------
HTTP_REQUEST_BYTES: Final = 4 * MIB  # one MCP request; more where --max-code-size asks for it
HTTP_REQUEST_WAIT_S: Final = 10.0  # for the headers of a request, then for each piece of its body
HTTP_CONNECTIONS: Final = 512  # open at a time; a standing stream of a client is one of them
HTTP_SESSIONS: Final = 1_000  # of clients that speak a revision with sessions

# --- stdio -----------------------------------------------------------------------------------------
STDIO_LAST_RESORT_S: Final = GRACE_S + 1.5  # from a signal to the end, even of a write that is stuck

# --- the trial of the walls ------------------------------------------------------------------------
TRIAL_ATTEMPT_S: Final = 5.0  # one attempt to break a wall; the slowest computes for 1.3 s
TRIAL_S: Final = 60.0  # all of them, on a slow machine; 5 s are usual
TRIAL_LINE_BYTES: Final = 4 * KIB  # one finding

# --- the simulator ---------------------------------------------------------------------------------
SIMULATOR_KEPT: Final = 10_000  # requests, keys, tokens, members of a collection: a script may loop
SIMULATOR_BODY_BYTES: Final = 16 * MIB  # of one request
SIMULATOR_STATE_BYTES: Final = 64 * MIB  # a file of what an account has
SIMULATOR_FAULTS: Final = 1_000  # that are set from outside
SIMULATOR_BATCH: Final = 50  # ids in one request; what OVHcloud takes
SIMULATOR_PAGE_RULES: Final = 200  # rights that a page lists; createToken's address may hold any number
SIMULATOR_PARSE_S: Final = 15.0  # reading one schema; the largest real one takes 0.03 s
SIMULATOR_START_S: Final = 5.0  # to listen, and to end what still runs when it is closed
