/// What a name of Python's `typing` module is to DSPy.
enum TypingName {
    case any
    /// `Text`, another name of `str`.
    case text
    case form(TypingForm)
    case alias(TypingAlias)
    /// A class or form that pydantic can make no field of.
    case refused
    /// Not a type: refused as a field's type, Python's business inside another.
    case opaque
    /// Meaningful, in ways that only Python can tell.
    case delegated
}

/// The forms with rules of their own for what stands in their brackets.
enum TypingForm: String, Hashable {
    case optional = "Optional"
    case union = "Union"
    case literal = "Literal"
    case annotated = "Annotated"
}

/// A generic name of `typing`, such as `List`.
struct TypingAlias: Hashable {
    var name: String
    /// The class that DSPy prints.
    var container: Container
    /// How many arguments it must have; nil for any number.
    var arity: Int?
    /// How many of the arguments pydantic looks at.
    var checked: Int
    var support: Support

    enum Support: Hashable { case native, refused, delegated }
}

enum TypingNames {
    static func look(up name: String) -> TypingName? { table[name] }

    private static let table: [String: TypingName] = {
        var table: [String: TypingName] = ["Any": .any, "Text": .text]
        for form in [TypingForm.optional, .union, .literal, .annotated] {
            table[form.rawValue] = .form(form)
        }
        for alias in aliases { table[alias.name] = .alias(alias) }
        for name in refused { table[name] = .refused }
        for name in opaque { table[name] = .opaque }
        for name in ["ClassVar", "Final", "Self"] { table[name] = .delegated }
        return table
    }()

    private static let aliases: [TypingAlias] = {
        func alias(
            _ name: String,
            _ arity: Int?,
            as container: String? = nil,
            checked: Int? = nil,
            _ support: TypingAlias.Support = .native
        ) -> TypingAlias {
            TypingAlias(
                name: name,
                container: Container(rawValue: container ?? name),
                arity: arity,
                checked: checked ?? arity ?? .max,
                support: support
            )
        }
        let native = [
            alias("List", 1, as: "list"), alias("Set", 1, as: "set"),
            alias("FrozenSet", 1, as: "frozenset"),
            alias("Dict", 2, as: "dict"), alias("Tuple", nil, as: "tuple"),
            alias("Type", 1, as: "type"),
            alias("Sequence", 1), alias("MutableSequence", 1), alias("Iterable", 1),
            alias("Mapping", 2), alias("MutableMapping", 2), alias("AbstractSet", 1, as: "Set"),
            alias("MutableSet", 1), alias("Deque", 1, as: "deque"), alias("Counter", 1),
            alias("OrderedDict", 2), alias("Generator", 3, checked: 1),
        ]
        let refused = [
            ("Iterator", 1), ("Collection", 1), ("Container", 1), ("ChainMap", 2),
            ("Reversible", 1), ("KeysView", 1), ("ItemsView", 2), ("ValuesView", 1),
            ("MappingView", 1), ("AsyncIterable", 1), ("AsyncIterator", 1), ("Awaitable", 1),
            ("AsyncGenerator", 2), ("Coroutine", 3), ("ContextManager", 1),
            ("AsyncContextManager", 1), ("Match", 1),
        ]
        let delegated = [("DefaultDict", 2), ("Callable", nil), ("Pattern", 1)]
        return native + refused.map { alias($0, $1, .refused) }
            + delegated.map { alias($0, $1, .delegated) }
    }()

    private static let refused = [
        "ABCMeta", "BinaryIO", "Concatenate", "ForwardRef", "Generic", "GenericAlias", "IO",
        "LiteralString", "MethodDescriptorType", "MethodWrapperType", "NamedTupleMeta", "Never",
        "NewType", "NoReturn", "NotRequired", "ParamSpec", "ParamSpecArgs", "ParamSpecKwargs",
        "Protocol", "Required", "SupportsAbs", "SupportsBytes", "SupportsComplex", "SupportsFloat",
        "SupportsIndex", "SupportsInt", "SupportsRound", "TextIO", "TypeAlias", "TypeGuard",
        "TypeVar", "TypeVarTuple", "Unpack", "WrapperDescriptorType", "defaultdict", "io", "re",
    ]

    private static let opaque = [
        "AnyStr", "ByteString", "CT_co", "EXCLUDED_ATTRIBUTES", "Hashable", "KT", "NamedTuple",
        "Sized", "T", "TYPE_CHECKING", "T_co", "T_contra", "TypedDict", "VT", "VT_co", "V_co",
        "abstractmethod", "assert_never", "assert_type", "cast", "clear_overloads", "collections",
        "contextlib", "dataclass_transform", "final", "functools", "get_args", "get_origin",
        "get_overloads", "get_type_hints", "is_typeddict", "no_type_check",
        "no_type_check_decorator", "operator", "overload", "reveal_type", "runtime_checkable",
        "stdlib_re", "sys", "types", "warnings",
    ]
}

/// Names that DSPy would import as modules.
enum ModuleNames {
    /// Python's own modules: good to know for what to say when somebody uses one as a type.
    static let known: Set<String> = Set(
        """
        abc argparse array ast asyncio atexit base64 bdb binascii bisect builtins bz2 calendar \
        cmath cmd code codecs colorsys concurrent configparser contextvars copy copyreg csv \
        ctypes curses dataclasses datetime dbm decimal difflib dis doctest dspy email \
        encodings enum errno faulthandler fcntl filecmp fileinput fnmatch fractions ftplib gc \
        getopt getpass gettext glob graphlib grp gzip hashlib heapq hmac html http imaplib \
        importlib inspect ipaddress itertools json keyword linecache locale logging lzma \
        mailbox marshal math mimetypes mmap multiprocessing netrc numbers opcode optparse os \
        pathlib pdb pickle pickletools pkgutil platform plistlib poplib posix pprint profile \
        pstats pty pwd pydantic pydoc queue quopri random readline reprlib resource runpy \
        sched secrets select selectors shelve shlex shutil signal site smtplib socket \
        socketserver sqlite3 ssl stat statistics string stringprep struct subprocess symtable \
        sysconfig syslog tarfile tempfile termios textwrap threading time timeit token \
        tokenize tomllib trace traceback tracemalloc tty typing unicodedata unittest urllib uu \
        uuid venv wave weakref webbrowser xml zipapp zipfile zipimport zlib zoneinfo
        """.split(separator: " ").map(String.init)
    )

    /// What `dspy.Signature`, called from Python, finds in its own frames.
    static let callerFrame: Set<String> = [
        "BaseModel", "FieldInfo", "Signature", "SignatureMeta", "cls",
    ]
}
