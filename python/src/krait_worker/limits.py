"""The bounds of *Worker protocol*; the Swift side has the same in `Limits.swift`."""

BODY_BYTES = 64 << 20
MESSAGE_BYTES = 256 << 20
ATTACHMENTS = 1_024
#: How many bytes the attachments of one envelope may have.
ATTACHMENT_BYTES = 64 << 30
#: How many bytes a value of bytes may have before they go beside the body.
INLINE_BYTES = 64 << 10
#: What a compressed part holds at most when it is raw.
PART_BYTES = 1 << 30
#: How many columns a table has, those within others included.
TABLE_FIELDS = 16_384
#: How deep columns of a table may lie within each other.
TABLE_NESTING = 32
#: How many dimensions a tensor has.
TENSOR_DIMENSIONS = 32
#: How deep lists and maps may be nested.
NESTING = 128
TRACEBACK_BYTES = 16 << 10
MESSAGE_TEXT_BYTES = 4 << 10
#: Names and versions.
NAME_BYTES = 256
SLOTS = 4_096
OPERATIONS = 1_024
#: What `ready` says about an operation.
DOCUMENTATION_BYTES = 4 << 10
#: How many envelopes a sender puts into one message.
ENVELOPES_PER_MESSAGE = 32
#: From how many bytes on a message with several envelopes is closed.
BATCH_BYTES = 64 << 10
#: How many running calls a heartbeat names.
HEARTBEAT_CALLS = 64
#: The credit a stream may hold: chunks that may be sent before more is given.
CREDIT = 1 << 16
#: Of how many bytes of a chunk's body each costs one credit more.
CREDIT_BYTES = 16 << 10
#: The tools a call may have, and how many calls of them it may await at once.
TOOLS = 128
TOOL_CALLS = 64
#: How deep calls may be made from within tools.
TOOL_DEPTH = 8
#: The rows and threads of an optimizer's job, the candidates that it tells apart, and the lines of
#: its log that wait to be told.
OPTIMIZER_ROWS = 1_000_000
OPTIMIZER_THREADS = 64
OPTIMIZER_CANDIDATES = 1_024
OPTIMIZER_LINES = 1_024
#: What a generator may yield where nobody reads it as a stream: its chunks become one list.
GATHERED_CHUNKS = 1_000_000
#: The sessions of a worker, the programs of one, and the turns that its history keeps.
SESSIONS = 1_024
SESSION_PROGRAMS = 64
SESSION_TURNS = 256
#: What a session's checkpoint may have.
CHECKPOINT_BYTES = 8 << 20
#: How many bytes the turns of a session have together, written as MessagePack.
SESSION_HISTORY_BYTES = 8 << 20
#: How many bytes a program of a session may keep in attributes of its own.
SESSION_STATE_BYTES = 16 << 20
#: The user's own programs that a pool's options name.
USER_PROGRAMS = 64
#: The answers of LMs that a worker keeps, where its pool's cache is on.
CACHED_ANSWERS = 4_096
#: The objects that one spec makes, and how deep they are nested in each other.
SPEC_OBJECTS = 1_024
SPEC_NESTING = 16
#: The inputs that one call of a program takes as a list, and how many of them run at once.
BATCH_INPUTS = 10_000
BATCH_WIDTH = 64
#: A packet of the forkserver's channel.
CONTROL_BYTES = 64 << 10
#: How long a worker waits for Krait's hello.
HANDSHAKE_SECONDS = 30.0
#: A file of keys to join a pool by.
KEY_FILE_BYTES = 4 << 10
#: How long a leaving worker waits for its last words to be taken.
LINGER_MS = 2_000
