import Glibc
import KraitWire
import KraitZeroMQ

/// What Krait's side of a pool keeps so that workers on other hosts can join it.
///
/// Its own keys stay the same from run to run; of the one key that those workers share it has the
/// public half.
///
/// Kept in a file of its own, which only its owner may read; the other file, for the workers, has
/// the other halves.
package struct JoinKeys: Sendable, Equatable {
    package let server: CurveKeys
    package let workerPublicKey: String

    /// What is wrong with a file of keys, or with its place; holds nothing of what is in it.
    package struct Problem: Error, CustomStringConvertible, Equatable {
        package let description: String
    }

    private static let form = "krait join keys 1"
    private static let limit = 4 << 10

    /// The texts of both files, freshly drawn.
    package static func draw(
        pool: String
    ) throws(Problem) -> (server: String, worker: String) {
        let pairs: [CurveKeys]
        do throws(ZeroMQError) {
            pairs = [try CurveKeys.generate(), try CurveKeys.generate()]
        } catch {
            throw Problem(description: "\(error)")
        }
        let (server, worker) = (pairs[0], pairs[1])
        func text(_ side: String, _ own: CurveKeys, _ other: CurveKeys) -> String {
            let value: Value = [
                "form": .string(form), "pool": .string(pool), "side": .string(side),
                "public": .string(own.publicKey), "secret": .string(own.secretKey),
                "other": .string(other.publicKey),
            ]
            return ((try? value.json(pretty: true)) ?? "") + "\n"
        }
        return (text("server", server, worker), text("worker", worker, server))
    }

    /// Reads the server's file.
    ///
    /// Refuses one that others may read, that is another pool's, or the workers'.
    package static func read(_ path: String, pool: String) throws(Problem) -> JoinKeys {
        func refuse(_ reason: String) -> Problem {
            Problem(description: "the join keys in \(path) \(reason)")
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw refuse("cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            throw refuse("are no file")
        }
        guard facts.st_mode & 0o077 == 0, facts.st_uid == geteuid() || facts.st_uid == 0 else {
            throw refuse("may be read by others; chmod 600 it, and let it be yours")
        }
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = Glibc.read(descriptor, &bytes, limit)
        let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        guard let value = try? Value(json: text), value["form"]?.string == form else {
            throw refuse("are not as `krait keys` writes them")
        }
        guard value["side"]?.string == "server" else {
            throw refuse("are those for the workers; name the file for the server")
        }
        guard value["pool"]?.string == pool else {
            throw refuse("are those of the pool `\(value["pool"]?.string ?? "?")`")
        }
        guard let open = value["public"]?.string, let secret = value["secret"]?.string,
            let other = value["other"]?.string,
            let server = CurveKeys(publicKey: open, secretKey: secret), other.utf8.count == 40
        else { throw refuse("are no pair of keys") }
        return JoinKeys(server: server, workerPublicKey: other)
    }
}
