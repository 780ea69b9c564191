import Foundation
import Glibc
import KraitObservability

/// An HTTP server that answers by a script: what it sends is bytes, right or wrong.
///
/// Each connection has a thread. Stops, and closes everything, at the end of its life.
final class ScriptedServer: Sendable {
    /// A request as it came.
    struct Request: Sendable {
        var path: String
        /// Names in lower case.
        var headers: [String: String]
        var body: String
        /// Which connection it came on, from 0 on.
        var connection: Int
    }

    /// What the server does about a request, step by step.
    enum Step: Sendable {
        case send(String)
        case wait(Duration)
        /// Goes on when this says so.
        case waitFor(@Sendable () -> Bool)
        /// Sends this again and again until the other side is gone.
        case sendForEver(String)
        case close
    }

    private struct State {
        var requests: [Request] = []
        var connections: [Int32] = []
        var isStopped = false
    }

    private let state = Lock(State())
    private let listener: Int32
    let port: Int

    /// The script is given the request and how many came before it.
    init(_ script: @escaping @Sendable (Request, Int) -> [Step]) throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, size) == 0 && listen(descriptor, 256) == 0
                    && getsockname(descriptor, pointer, &size) == 0
            }
        }
        guard isBound else { throw POSIXError(.EADDRNOTAVAIL) }
        port = Int(UInt16(bigEndian: address.sin_port))
        let state = state
        Thread.detachNewThread {
            // Closed here alone: its number could be another server's before this one is out.
            defer { close(descriptor) }
            while true {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0 else { return }
                let number: Int? = state.withLock { state in
                    if state.isStopped { return nil }
                    state.connections.append(connection)
                    return state.connections.count - 1
                }
                guard let number else {
                    close(connection)
                    return
                }
                Thread.detachNewThread { Self.serve(connection, number, state, script) }
            }
        }
    }

    deinit {
        let connections = state.withLock { state in
            state.isStopped = true
            return state.connections
        }
        shutdown(listener, Int32(SHUT_RDWR))
        for connection in connections { shutdown(connection, Int32(SHUT_RDWR)) }
    }

    var url: String { "http://127.0.0.1:\(port)/v1" }
    var requests: [Request] { state.withLock { $0.requests } }
    var connections: Int { state.withLock { $0.connections.count } }

    // MARK: Answers

    static func response(
        _ body: String,
        status: String = "200 OK",
        type: String = "application/json",
        headers: String = ""
    ) -> [Step] {
        [
            .send(
                "HTTP/1.1 \(status)\r\nContent-Type: \(type)\r\n\(headers)"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
            )
        ]
    }

    static func answer(
        _ text: String,
        usage: String = #"{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}"#
    ) -> [Step] {
        response(
            #"{"id":"1","model":"m","choices":[{"index":0,"message":{"role":"assistant","#
                + #""content":"\#(text)"},"finish_reason":"stop"}],"usage":\#(usage)}"#
        )
    }

    static let streamHead =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"

    // MARK: A connection

    private static func serve(
        _ connection: Int32,
        _ number: Int,
        _ state: Lock<State>,
        _ script: @Sendable (Request, Int) -> [Step]
    ) {
        defer { shutdown(connection, Int32(SHUT_RDWR)) }
        var input: [UInt8] = []
        while let request = read(connection, number, &input) {
            let before = state.withLock { state in
                state.requests.append(request)
                return state.requests.count - 1
            }
            for step in script(request, before) {
                switch step {
                case .send(let text): guard send(text, connection) else { return }
                // Allowed: the wait is the server's behaviour under test, on a thread of its own.
                case .wait(let duration): Thread.sleep(forTimeInterval: duration / .seconds(1))
                case .waitFor(let isTime):
                    // Allowed: as above; the test opens the gate.
                    while !isTime() { Thread.sleep(forTimeInterval: 0.005) }
                case .sendForEver(let text): while send(text, connection) {}
                case .close: return
                }
            }
        }
    }

    private static func send(_ text: String, _ connection: Int32) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes {
                Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }

    private static func read(
        _ connection: Int32,
        _ number: Int,
        _ input: inout [UInt8]
    ) -> Request? {
        func more() -> Bool {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return false }
            input += buffer[..<count]
            return true
        }
        var head: Range<Array<UInt8>.Index>?
        while head == nil {
            head = input.firstRange(of: Array("\r\n\r\n".utf8))
            if head == nil, !more() { return nil }
        }
        guard let head else { return nil }
        let lines = String(decoding: input[..<head.lowerBound], as: UTF8.self)
            .components(separatedBy: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
        }
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        while input.count < head.upperBound + length { if !more() { return nil } }
        let body = input[head.upperBound..<(head.upperBound + length)]
        input.removeFirst(head.upperBound + length)
        let path = lines[0].split(separator: " ").dropFirst().first.map(String.init) ?? ""
        return Request(
            path: path,
            headers: headers,
            body: String(decoding: body, as: UTF8.self),
            connection: number
        )
    }
}
