import CCurl
import Glibc
import KraitObservability

/// The thread that moves all transfers, with libcurl's connections.
///
/// libcurl's handles are touched on the thread alone; everybody else leaves it commands.
// Allowed: `commands` is guarded by its lock, everything else only the thread itself touches.
final class HTTPEngine: @unchecked Sendable {
    private enum Command {
        case begin(UInt64, HTTPRequest, HTTPInlet)
        case cancel(UInt64)
        case resume(UInt64)
    }

    private struct Inbox {
        var commands: [Command] = []
        var isStopped = false
    }

    private let inbox = Lock(Inbox())
    private let multi: UnsafeMutableRawPointer
    private let sockets: CurlSockets
    /// Only on the thread.
    private var transfers: [UInt64: CurlTransfer] = [:]
    private var numbers: [UnsafeMutableRawPointer: UInt64] = [:]
    /// Handles for the next requests.
    private var idle: [CurlTransfer] = []

    /// libcurl's own start, once in a process.
    private static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    /// Nil where there is no memory, no descriptor or no thread to be had.
    init?(connectionsPerHost: Int) {
        guard Self.isReady, let multi = curl_multi_init() else { return nil }
        guard let sockets = CurlSockets(multi) else {
            curl_multi_cleanup(multi)
            return nil
        }
        self.multi = multi
        self.sockets = sockets
        let most = connectionsPerHost
        krait_curl_multi_set_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, most)
        // Kept open for the next request.
        krait_curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, most)
        guard DedicatedThread.start("krait-lm", { self.live() }) == 0 else {
            curl_multi_cleanup(multi)
            return nil
        }
    }

    // MARK: From any thread

    func begin(_ id: UInt64, _ request: HTTPRequest, _ inlet: HTTPInlet) {
        leave(.begin(id, request, inlet))
    }

    func cancel(_ id: UInt64) { leave(.cancel(id)) }

    func resume(_ id: UInt64) { leave(.resume(id)) }

    /// Ends the thread and all transfers.
    func stop() {
        inbox.withLock { inbox in
            guard !inbox.isStopped else { return }
            inbox.isStopped = true
            sockets.wake()
        }
    }

    private func leave(_ command: Command) {
        let isLeft = inbox.withLock { inbox in
            guard !inbox.isStopped else { return false }
            inbox.commands.append(command)
            // Within the lock: the descriptor is not to be gone.
            if inbox.commands.count == 1 { sockets.wake() }
            return true
        }
        if !isLeft, case .begin(_, _, let inlet) = command { inlet.ended(.failure(.cancelled)) }
    }

    // MARK: On the thread

    private func live() {
        while true {
            let (commands, isStopped) = inbox.withLock { inbox in
                defer { inbox.commands = [] }
                return (inbox.commands, inbox.isStopped)
            }
            for command in commands { perform(command) }
            if isStopped { break }
            sockets.turn()
            takeResults()
        }
        for id in Array(transfers.keys) { end(id, .failure(.cancelled)) }
        idle = []
        curl_multi_cleanup(multi)
    }

    private func perform(_ command: Command) {
        switch command {
        case .begin(let id, let request, let inlet):
            guard let transfer = idle.popLast() ?? CurlTransfer(),
                transfer.begin(request, inlet)
            else {
                inlet.ended(.failure(.broken("a request cannot be made of it")))
                return
            }
            transfers[id] = transfer
            numbers[transfer.handle] = id
            curl_multi_add_handle(multi, transfer.handle)
        case .cancel(let id):
            end(id, .failure(.cancelled))
        case .resume(let id):
            if let transfer = transfers[id] { curl_easy_pause(transfer.handle, CURLPAUSE_CONT) }
        }
    }

    private func takeResults() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE,
                let handle = message.pointee.easy_handle, let id = numbers[handle],
                let transfer = transfers[id]
            else { continue }
            end(id, transfer.outcome(krait_curl_result(message)))
        }
    }

    private func end(_ id: UInt64, _ outcome: Result<Void, HTTPFailure>) {
        guard let transfer = transfers.removeValue(forKey: id) else { return }
        numbers[transfer.handle] = nil
        curl_multi_remove_handle(multi, transfer.handle)
        transfer.end(outcome)
        if idle.count < LMLimits.idleHandles { idle.append(transfer) }
    }
}
