import Glibc

/// The Python interpreter a pool's processes run on.
package struct PythonEnvironment: Sendable, Equatable {
    /// The interpreter's absolute path.
    package var interpreter: String

    /// Finds the interpreter of a pool.
    ///
    /// - Parameters:
    ///   - named: the interpreter, or the folder of a virtual environment, as configuration names
    ///     it. Nil takes, in this order, `KRAIT_PYTHON` unless it is empty, `.venv` in `folder` or
    ///     the nearest folder above it, and `python3.11` or `python3` on the search path.
    ///   - folder: what relative names start from.
    package static func find(
        named: String?,
        environment: [String: String],
        from folder: String
    ) throws(LaunchError) -> PythonEnvironment {
        let searchPath = environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        let preset = environment["KRAIT_PYTHON"].flatMap { $0.isEmpty ? nil : $0 }
        if let name = named ?? preset {
            guard let found = locate(name, searchPath: searchPath, from: folder) else {
                throw LaunchError(
                    "there is no Python interpreter at `\(name)`; name an interpreter or the "
                        + "folder of a virtual environment",
                    isFinal: true
                )
            }
            return PythonEnvironment(interpreter: found)
        }
        if let found = nearestVirtualEnvironment(above: folder) {
            return PythonEnvironment(interpreter: found)
        }
        for name in ["python3.11", "python3"] {
            if let found = locate(name, searchPath: searchPath, from: folder) {
                return PythonEnvironment(interpreter: found)
            }
        }
        throw LaunchError(
            "no Python interpreter was found: there is no .venv here and no python3 on PATH; "
                + "install Python 3.11 or set `python` in the pool's configuration",
            isFinal: true
        )
    }

    private static func locate(
        _ name: String,
        searchPath: String,
        from folder: String
    ) -> String? {
        guard name.contains("/") || isDirectory(join(folder, name)) else {
            return searchPath.split(separator: ":")
                .map { join(join(folder, String($0)), name) }
                .first(where: isProgram)
        }
        let path = join(folder, name)
        return isDirectory(path) ? interpreter(of: path) : isProgram(path) ? path : nil
    }

    private static func nearestVirtualEnvironment(above folder: String) -> String? {
        var current = folder
        while true {
            if let found = interpreter(of: join(current, ".venv")) { return found }
            guard let slash = current.lastIndex(of: "/"), current != "/" else { return nil }
            current = slash == current.startIndex ? "/" : String(current[..<slash])
        }
    }

    private static func interpreter(of virtualEnvironment: String) -> String? {
        let path = join(virtualEnvironment, "bin/python")
        return isProgram(path) ? path : nil
    }

    private static func join(_ folder: String, _ name: String) -> String {
        if name.hasPrefix("/") { return name }
        return folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
    }

    private static func isProgram(_ path: String) -> Bool {
        access(path, X_OK) == 0 && !isDirectory(path)
    }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
