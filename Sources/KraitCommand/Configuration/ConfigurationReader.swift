import Glibc
import Krait
import KraitControl
import KraitWire

extension Configuration {
    /// The file that is read where the command line names none, if it is there.
    static let defaultFile = "krait.yaml"

    /// Reads a configuration file's bytes.
    ///
    /// All problems found are reported at once.
    init(yaml bytes: [UInt8], file: String) throws(ConfigurationProblems) {
        let folder = file.lastIndex(of: "/").map { String(file[..<$0]) }
        var draft = ConfigurationDraft(folder: folder)
        var problems: [ConfigurationProblem] = []
        do throws(ConfigurationProblems) {
            if let root = try YAMLDocument.read(bytes) {
                readSettings(.top, from: root, path: "", into: &draft, &problems)
            }
        } catch {
            var located = error
            located.file = file
            throw located
        }
        guard problems.isEmpty else { throw ConfigurationProblems(problems, file: file) }
        self = draft.configuration
        runDirectory = runDirectory.map { draft.resolve(folder: $0) }
        sessions.folder = sessions.folder.map { draft.resolve(folder: $0) }
    }

    /// Reads a configuration file.
    init(file: String) throws(ConfigurationProblems) {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try readFile(file, limit: YAMLDocument.maximumBytes)
        } catch {
            let reason =
                error.code == EFBIG
                ? "the file has more than \(YAMLDocument.maximumBytes) bytes"
                : "cannot be read: \(error.reason)"
            throw ConfigurationProblems([.init(reason, at: nil)], file: file)
        }
        try self.init(yaml: bytes, file: file)
    }

    /// Lays a pool of the command line over these: a new one is added, of one that is there the
    /// adapter and the counts are replaced that the argument gives.
    mutating func lay(_ argument: PoolArgument) {
        let index = pools.firstIndex { $0.name == argument.name }
        var pool =
            index.map { pools[$0] }
            ?? PythonPool(argument.name, adapter: Adapter(name: argument.adapter))
        if pool.adapter.name != argument.adapter { pool.adapter = Adapter(name: argument.adapter) }
        if let workers = argument.workers { pool.workers = workers }
        if let slots = argument.slots { pool.slots = slots }
        if let index { pools[index] = pool } else { pools.append(pool) }
    }

    /// Gives the LM to each pool of DSPy that has none of its own.
    mutating func layLanguageModel(model: String, apiBase: String?) {
        for index in pools.indices where pools[index].adapter.name == "dspy" {
            guard pools[index].adapter.options["lm"] == nil else { continue }
            let options = Adapter.dspy(model: model, apiBase: apiBase).options
            pools[index].adapter.options["lm"] = options["lm"]
        }
    }
}
