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
    /// Only on the thread.
    private var transfers: [UInt64: CurlTransfer] = [:]
    private var numbers: [UnsafeMutableRawPointer: UInt64] = [:]

    /// libcurl's own start, once in a process.
    private static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    /// How long the thread sleeps where nothing wakes it.
    private static let longestSleep: Int32 = 1_000

    /// Nil where there is no memory or no thread to be had.
    init?(connectionsPerHost: Int) {
        guard Self.isReady, let multi = curl_multi_init() else { return nil }
        self.multi = multi
        let most = connectionsPerHost
        krait_curl_multi_set_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, most)
        // Kept open for the next request.
        krait_curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, most)
        var thread = pthread_t()
        let retained = Unmanaged.passRetained(self)
        let error = pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<HTTPEngine>.fromOpaque(argument).takeRetainedValue().live()
                return nil
            },
            retained.toOpaque()
        )
        guard error == 0 else {
            retained.release()
            curl_multi_cleanup(multi)
            return nil
        }
        pthread_detach(thread)
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
            curl_multi_wakeup(multi)
        }
    }

    private func leave(_ command: Command) {
        let isLeft = inbox.withLock { inbox in
            guard !inbox.isStopped else { return false }
            inbox.commands.append(command)
            // Within the lock: the handle is not to be gone.
            if inbox.commands.count == 1 { curl_multi_wakeup(multi) }
            return true
        }
        if !isLeft, case .begin(_, _, let inlet) = command { inlet.ended(.failure(.cancelled)) }
    }

    // MARK: On the thread

    private func live() {
        var running: Int32 = 0
        while true {
            let (commands, isStopped) = inbox.withLock { inbox in
                defer { inbox.commands = [] }
                return (inbox.commands, inbox.isStopped)
            }
            for command in commands { perform(command) }
            if isStopped { break }
            curl_multi_perform(multi, &running)
            takeResults()
            curl_multi_poll(multi, nil, 0, Self.longestSleep, nil)
        }
        for id in Array(transfers.keys) { end(id, .failure(.cancelled)) }
        curl_multi_cleanup(multi)
    }

    private func perform(_ command: Command) {
        switch command {
        case .begin(let id, let request, let inlet):
            guard let transfer = CurlTransfer(request, inlet) else {
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
        transfer.close()
        transfer.inlet.ended(outcome)
    }
}

/// A request as libcurl has it; only on the engine's thread.
final class CurlTransfer {
    let handle: UnsafeMutableRawPointer
    let inlet: HTTPInlet
    private let body: UnsafeMutableBufferPointer<UInt8>
    private var headers: UnsafeMutablePointer<curl_slist>?
    private let limit: Int
    private var size = 0
    private var head = HTTPHead(status: 0)
    private var isTooLarge = false

    /// How long connecting may take.
    private static let connectMilliseconds = 10_000

    /// Nil where there is no memory, or the URL cannot be one.
    init?(_ request: HTTPRequest, _ inlet: HTTPInlet) {
        guard let handle = curl_easy_init() else { return nil }
        self.handle = handle
        self.inlet = inlet
        limit = request.limit
        body = .allocate(capacity: max(1, request.body.count))
        _ = body.initialize(from: request.body)
        for (name, value) in request.headers {
            headers = curl_slist_append(headers, "\(name): \(value)")
        }
        // Without this libcurl asks first whether it may send a large body.
        headers = curl_slist_append(headers, "Expect:")
        let milliseconds = Int(request.timeout / .milliseconds(1))
        guard krait_curl_set_pointer(handle, CURLOPT_URL, request.url) == CURLE_OK,
            krait_curl_set_pointer(handle, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK
        else {
            close()
            return nil
        }
        krait_curl_set_pointer(handle, CURLOPT_HTTPHEADER, headers)
        krait_curl_set_long(handle, CURLOPT_POST, 1)
        krait_curl_set_long(handle, CURLOPT_POSTFIELDSIZE, request.body.count)
        krait_curl_set_pointer(handle, CURLOPT_POSTFIELDS, UnsafeRawPointer(body.baseAddress))
        krait_curl_set_long(handle, CURLOPT_TIMEOUT_MS, max(1, milliseconds))
        krait_curl_set_long(handle, CURLOPT_CONNECTTIMEOUT_MS, Self.connectMilliseconds)
        krait_curl_set_long(handle, CURLOPT_TCP_NODELAY, 1)
        krait_curl_set_long(handle, CURLOPT_NOSIGNAL, 1)
        // A key is not to go where an endpoint points.
        krait_curl_set_long(handle, CURLOPT_FOLLOWLOCATION, 0)
        krait_curl_set_pointer(handle, CURLOPT_ACCEPT_ENCODING, "")
        // Of several requests to a host that speaks HTTP/2 all go over one connection.
        krait_curl_set_long(handle, CURLOPT_PIPEWAIT, request.url.hasPrefix("https") ? 1 : 0)
        let own = Unmanaged.passUnretained(self).toOpaque()
        krait_curl_set_pointer(handle, CURLOPT_HEADERDATA, own)
        krait_curl_set_pointer(handle, CURLOPT_WRITEDATA, own)
        krait_curl_set_function(handle, CURLOPT_HEADERFUNCTION) { bytes, size, count, own in
            CurlTransfer.found(own)?.took(line: bytes, size * count)
            return size * count
        }
        krait_curl_set_function(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, own in
            CurlTransfer.found(own)?.took(body: bytes, size * count) ?? 0
        }
    }

    private static func found(_ own: UnsafeMutableRawPointer?) -> CurlTransfer? {
        own.map { Unmanaged<CurlTransfer>.fromOpaque($0).takeUnretainedValue() }
    }

    private func took(line bytes: UnsafeMutablePointer<CChar>?, _ count: Int) {
        guard let bytes else { return }
        let line = UnsafeRawBufferPointer(start: bytes, count: count)
        // The empty line is the head's end; 1xx heads go before the one that counts.
        if line.allSatisfy({ $0 == 13 || $0 == 10 }) {
            if head.status >= 200 { inlet.tookHead(head) }
        } else {
            head.took(line: line)
        }
    }

    /// How many of the bytes were taken, as libcurl wants to know.
    private func took(body bytes: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
        guard size + count <= limit else {
            isTooLarge = true
            return 0
        }
        guard inlet.took(UnsafeRawBufferPointer(start: bytes, count: count)) else {
            return Int(CURL_WRITEFUNC_PAUSE)
        }
        size += count
        return count
    }

    /// What libcurl's result means.
    func outcome(_ code: CURLcode) -> Result<Void, HTTPFailure> {
        switch code {
        case CURLE_OK: .success(())
        case _ where isTooLarge: .failure(.tooLarge)
        case CURLE_OPERATION_TIMEDOUT: .failure(.timeout)
        default: .failure(.broken(String(cString: curl_easy_strerror(code))))
        }
    }

    func close() {
        curl_easy_cleanup(handle)
        curl_slist_free_all(headers)
        headers = nil
        body.deallocate()
    }
}
