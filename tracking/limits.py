"""How much one name, value, request or run may hold. Every limit stands here, with its unit and why that number."""

KEY_LENGTH = 250  # characters of a metric, param or tag key, as in MLflow, so that imports fit
NAME_LENGTH = 250  # characters of an experiment, run or dataset name
DESCRIPTION_LENGTH = 20_000  # characters; a page of notes, not a report
PARAM_VALUE_LENGTH = 6_000  # characters, as in MLflow
TAG_VALUE_LENGTH = 8_000  # characters, as in MLflow
HEAD_LENGTH = 200  # characters of a value that are indexed: a btree entry may hold 2,700 bytes, and 4 bytes each fit

BATCH_BYTES = 8 * 1024 * 1024  # one request body: 340,000 points
BATCH_KEYS = 10_000  # series in one batch
BATCH_ITEMS = 10_000  # params, tags or inputs in one batch, each
BATCHES_AT_ONCE = 1_000  # batches of several runs in one request, which together are one body
WAITING_BYTES = 64 * 1024 * 1024  # packed points that wait in one process for the database; beyond, clients are told to
WAITING_S = 5.0  # likewise where the first of them has waited so long: the database stands still
RUN_SERIES = 20_000  # metric keys of one run: beyond it, a key is being used as a value
RUN_PARAMS = 10_000
RUN_TAGS = 10_000

DIFF_LENGTH = 1_000_000  # characters of a dirty diff that are kept; its SHA-256 covers the whole
LOCK_LENGTH = 2_000_000  # characters of an environment lock
SCHEMA_COLUMNS = 10_000  # columns of a dataset
PROFILE_BYTES = 2_000_000  # a dataset profile as JSON

ARTIFACT_BYTES = 1 << 40  # 1 TiB: one upload
UPLOAD_FILES = 1_000  # files announced in one request
PACK_FILE_BYTES = (
    256 * 1024
)  # a file up to this size travels with others: its own requests would cost more than its bytes
PACK_BYTES = 4 * 1024 * 1024  # of files in one pack, below what one request body holds
UPLOAD_LINKS = 1_000  # part links in one answer: a second of signing
STALE_UPLOAD_DAYS = 7  # an upload untouched for so long is forgotten

SEARCH_LENGTH = 10_000  # characters of a filter
SEARCH_DEPTH = 30  # parentheses and NOTs within one another
SEARCH_COMPARISONS = 100  # each is a look-up of its own
SEARCH_LIST = 500  # values in one IN (…)
SEARCH_PATTERN = 200  # characters of a LIKE pattern; matching costs its length times that of the value
SEARCH_ORDER = 3  # keys of an order
SEARCH_OFFSET = 10_000  # runs that a page may begin behind; every one of them is read to get there
SEARCH_STEPS = 5  # different values at one step that a filter asks for
SEARCH_STEP_RUNS = 2_000  # runs whose points are read for one of them: about a second
SEARCH_STEP_POINTS = 5_000_000  # points not yet sorted into chunks that are read for them
SEARCH_COLUMNS = 60  # of a list of runs; each is a cell on every row
SEARCH_EXPERIMENTS = 1_000  # experiments named in one search
CHART_POINTS = 20_000  # points of one thinned series; a screen has 4,000 pixels
CHART_SERIES = 100  # series in one chart request
CHART_RUNS = 100  # runs in one request for charts
CHARTS_AT_ONCE = 1_000  # series in one request for charts of many runs
CHARTS_POINTS = 2_000_000  # points that their answer may hold: as many series times what each is thinned to
ORDER_LENGTH = 600  # characters of an order, or of one key of it: a key that is quoted, and more
COLUMNS_LENGTH = 20_000  # characters of a list of columns
PROJECT_VIEWS = 1_000  # saved views of one project
EXPORTED_RUNS = 100_000  # in one file
EXPORTED_COLUMNS = 2_000  # of one file that names none: keys there are
COMPARED_RUNS = 50  # side by side
