import CCurl

/// A handle of libcurl's, with the request it is at; only on the engine's thread.
///
/// Handles are used again: a new one takes as long as all that is set of a request.
final class CurlTransfer {
    let handle: UnsafeMutableRawPointer
    private var inlet: HTTPInlet?
    private var headers: UnsafeMutablePointer<curl_slist>?
    private var limit = 0
    private var size = 0
    private var head = HTTPHead(status: 0)
    private var isTooLarge = false

    /// How long connecting may take.
    private static let connectMilliseconds = 10_000

    /// Nil where there is no memory.
    init?() {
        guard let handle = curl_easy_init() else { return nil }
        self.handle = handle
        krait_curl_set_pointer(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        krait_curl_set_long(handle, CURLOPT_POST, 1)
        krait_curl_set_long(handle, CURLOPT_CONNECTTIMEOUT_MS, Self.connectMilliseconds)
        krait_curl_set_long(handle, CURLOPT_TCP_NODELAY, 1)
        krait_curl_set_long(handle, CURLOPT_NOSIGNAL, 1)
        // A key is not to go where an endpoint points.
        krait_curl_set_long(handle, CURLOPT_FOLLOWLOCATION, 0)
        krait_curl_set_pointer(handle, CURLOPT_ACCEPT_ENCODING, "")
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

    deinit {
        curl_easy_cleanup(handle)
        curl_slist_free_all(headers)
    }

    /// Takes up a request; false where the URL cannot be one.
    func begin(_ request: HTTPRequest, _ inlet: HTTPInlet) -> Bool {
        guard krait_curl_set_pointer(handle, CURLOPT_URL, request.url) == CURLE_OK else {
            return false
        }
        self.inlet = inlet
        (limit, size, head, isTooLarge) = (request.limit, 0, HTTPHead(status: 0), false)
        for (name, value) in request.headers {
            headers = curl_slist_append(headers, "\(name): \(value)")
        }
        // Without this libcurl asks first whether it may send a large body.
        headers = curl_slist_append(headers, "Expect:")
        krait_curl_set_pointer(handle, CURLOPT_HTTPHEADER, headers)
        let milliseconds = Int(request.timeout / .milliseconds(1))
        krait_curl_set_long(handle, CURLOPT_TIMEOUT_MS, max(1, milliseconds))
        // Of several requests to a host that speaks HTTP/2 all go over one connection.
        krait_curl_set_long(handle, CURLOPT_PIPEWAIT, request.url.hasPrefix("https") ? 1 : 0)
        // libcurl takes a copy, which it frees itself: the size goes before the bytes.
        krait_curl_set_long(handle, CURLOPT_POSTFIELDSIZE, request.body.count)
        return request.body.withUnsafeBytes { bytes in
            krait_curl_set_pointer(handle, CURLOPT_COPYPOSTFIELDS, bytes.baseAddress) == CURLE_OK
        }
    }

    /// The request is over: nothing of it, and of its key, stays with the handle.
    func end(_ outcome: Result<Void, HTTPFailure>) {
        krait_curl_set_pointer(handle, CURLOPT_HTTPHEADER, nil)
        krait_curl_set_pointer(handle, CURLOPT_COPYPOSTFIELDS, nil)
        curl_slist_free_all(headers)
        headers = nil
        inlet?.ended(outcome)
        inlet = nil
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

    // MARK: What comes

    private static func found(_ own: UnsafeMutableRawPointer?) -> CurlTransfer? {
        own.map { Unmanaged<CurlTransfer>.fromOpaque($0).takeUnretainedValue() }
    }

    private func took(line bytes: UnsafeMutablePointer<CChar>?, _ count: Int) {
        guard let bytes else { return }
        let line = UnsafeRawBufferPointer(start: bytes, count: count)
        // The empty line is the head's end; 1xx heads go before the one that counts.
        if line.allSatisfy({ $0 == 13 || $0 == 10 }) {
            if head.status >= 200 { inlet?.tookHead(head) }
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
        let taken = UnsafeRawBufferPointer(start: bytes, count: count)
        guard let inlet, inlet.took(taken) else { return Int(CURL_WRITEFUNC_PAUSE) }
        size += count
        return count
    }
}
